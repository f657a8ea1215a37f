#include "verifier/nitro.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "evidence/cose_sign1.h"
#include "verifier/ecdsa_internal.h"
#include "verifier/nitro_chain_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

// RFC 9053 section 2.1: r || s, each as long as the order of P-384, big-endian.
constexpr std::size_t half_signature = 48;

Result<void> check_signature(const CoseSign1& message, EVP_PKEY* key) {
  if (message.algorithm != cose_es384) {
    return fail(Errc::unsupported, "COSE algorithm " + std::to_string(message.algorithm) + " is not -35, ES384");
  }
  if (!x509::is_p384(key)) return fail(Errc::refused, "the key of the document's certificate is not on P-384");
  if (message.signature.size() != 2 * half_signature) {
    return fail(Errc::malformed,
                "the signature has " + std::to_string(message.signature.size()) + " bytes, ES384 has 96");
  }
  if (!openssl::ecdsa_verifies(key, EVP_sha384(), message.to_be_signed(), message.signature)) {
    return fail(Errc::mismatch, "the document is not signed by the key of the certificate in it");
  }
  return {};
}

std::string rfc3339(const ASN1_TIME* time) {
  const auto seconds = x509::unix_time(time);
  return seconds ? to_rfc3339(*seconds) : std::string();
}

Result<CoseSign1> parse(ByteView document, NitroVerification& out) {
  if (document.size() > nitro_document_max_size) {
    return fail(Errc::out_of_range,
                "attestation document of " + std::to_string(document.size()) + " bytes is over the limit of 32768");
  }
  ATTESTD_TRY(CoseSign1 message, parse_cose_sign1(document));
  ATTESTD_TRY(out.document, parse_nitro_document(message.payload));
  return message;
}

std::string_view maker(NitroKind kind) {
  return kind == NitroKind::nitrotpm ? "an instance with NitroTPM" : "a Nitro Enclave, which says nothing of a TPM";
}

}  // namespace

bool NitroVerification::good() const {
  return !checks.empty() &&
         std::ranges::all_of(checks, [](const Check& check) { return check.result == CheckResult::pass; });
}

NitroVerification verify_nitro(ByteView document, const TrustRoots& roots, std::int64_t at, NitroTrust trust) {
  NitroVerification out;
  const auto refuse = [&out](const Error& error) {
    out.checks.push_back({"nitro.signature", CheckResult::fail, error.text()});
    out.checks.push_back({"nitro.chain", CheckResult::skipped, "no key is known to have signed the document"});
    return std::move(out);
  };
  const auto message = parse(document, out);
  if (!message) return refuse(message.error());
  const auto leaf = x509::parse_certificate(out.document->certificate);
  if (!leaf) return refuse(leaf.error());
  if (const auto good = check_signature(*message, X509_get0_pubkey(leaf->get())); !good) return refuse(good.error());
  out.checks.push_back(
      {"nitro.signature", CheckResult::pass,
       "ES384 by the key of its certificate; the document is of " + std::string(maker(out.document->kind))});
  out.leaf_not_before = rfc3339(X509_get0_notBefore(leaf->get()));
  out.leaf_not_after = rfc3339(X509_get0_notAfter(leaf->get()));
  const auto chain = check_nitro_chain(leaf->get(), *out.document, roots, at, trust);
  if (!chain) {
    out.checks.push_back({"nitro.chain", CheckResult::fail, chain.error().text()});
    return out;
  }
  out.root_name = chain->root_name;
  out.simulated = chain->simulated;
  out.checks.push_back({"nitro.chain", CheckResult::pass,
                        std::to_string(out.document->cabundle.size() + 1) + " certificates to " +
                            (chain->simulated ? "root named by you, '" : "root pinned, '") + chain->root_name +
                            "', valid at " + to_rfc3339(at)});
  return out;
}

}  // namespace attestd
