#include "verifier/nitro_chain_internal.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "verifier/x509_internal.h"

namespace attestd {
namespace {

std::string subject(const X509* certificate) { return x509::common_name(X509_get_subject_name(certificate)); }

Result<NitroChain> trust_in(const X509* root, ByteView der, const TrustRoots& roots, NitroTrust trust) {
  const bool named = std::ranges::any_of(roots.nitro, [&](const Bytes& one) { return std::ranges::equal(one, der); });
  const std::string key = x509::spki_sha256_hex(root);
  const auto pinned = std::ranges::find(nitro_roots(), key, &PinnedRoot::spki_sha256);
  // AWS's root stays AWS's when the user names it.
  if (pinned != nitro_roots().end() && (named || trust == NitroTrust::aws_and_named)) {
    return NitroChain{std::string(pinned->name), false};
  }
  if (named) return NitroChain{subject(root), true};
  return fail(Errc::refused, "root '" + subject(root) + "' (SPKI SHA-256 " + key +
                                 (trust == NitroTrust::named_only ? ") is not one that you named"
                                                                  : ") is neither AWS's nor one that you named"));
}

// RFC 5280 section 4.2.1.9: how many CA certificates may follow, self-issued ones
// apart, of which an honest chain has none after the root.
Result<void> check_path_length(X509* ca, std::size_t cas_below) {
  const long limit = X509_get_pathlen(ca);  // -1: none
  if (limit >= 0 && static_cast<std::size_t>(limit) < cas_below) {
    return fail(Errc::refused, "certificate '" + subject(ca) + "' allows " + std::to_string(limit) +
                                   " CAs below it, and there are " + std::to_string(cas_below));
  }
  return {};
}

Result<void> check_link(X509* certificate, X509* issuer) {
  if (!x509::same_name(X509_get_issuer_name(certificate), X509_get_subject_name(issuer))) {
    return fail(Errc::mismatch, "certificate '" + subject(certificate) + "' is not issued by '" + subject(issuer) +
                                    "', which the document gives as its issuer");
  }
  return x509::check_signature(x509::SignatureScheme::ecdsa_sha384, certificate, issuer);
}

}  // namespace

Result<NitroChain> check_nitro_chain(X509* leaf, const NitroDocument& document, const TrustRoots& roots,
                                     std::int64_t at, NitroTrust trust) {
  std::vector<openssl::Certificate> cas;  // the root first, as the document has them
  for (const Bytes& der : document.cabundle) {
    ATTESTD_TRY(openssl::Certificate ca, x509::parse_certificate(der));
    if (!x509::is_p384(X509_get0_pubkey(ca.get()))) {
      return fail(Errc::refused, "the key of '" + subject(ca.get()) + "' is not on P-384");
    }
    cas.push_back(std::move(ca));
  }
  if (cas.empty()) return fail(Errc::not_found, "the document has no certificates of issuers");
  X509* const root = cas.front().get();
  ATTESTD_TRY(NitroChain out, trust_in(root, document.cabundle.front(), roots, trust));
  X509* issuer = root;
  for (std::size_t i = 0; i < cas.size(); ++i) {
    X509* const ca = cas[i].get();
    ATTESTD_CHECK(check_link(ca, issuer));
    ATTESTD_CHECK(x509::check_ca(ca));
    ATTESTD_CHECK(check_path_length(ca, cas.size() - 1 - i));
    issuer = ca;
  }
  ATTESTD_CHECK(check_link(leaf, issuer));
  ATTESTD_CHECK(x509::check_end_entity(leaf));
  // Absent means any use: RFC 5280 section 4.2.1.3.
  if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {
    return fail(Errc::refused, "certificate '" + subject(leaf) + "' may not sign by its key usage");
  }
  for (const auto& ca : cas) ATTESTD_CHECK(x509::check_validity(ca.get(), at));
  ATTESTD_CHECK(x509::check_validity(leaf, at));
  return out;
}

}  // namespace attestd
