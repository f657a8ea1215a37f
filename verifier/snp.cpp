#include "verifier/snp.h"

#include <algorithm>

#include "base/encoding.h"
#include "verifier/snp_chain_internal.h"
#include "verifier/snp_extensions_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

constexpr std::uint32_t ecdsa_p384_sha384 = 1;  // 56860 table 135
constexpr std::size_t turin_hardware_id_size = 8;

// R and S as X9.62 has them: DER, big-endian.
Bytes der_signature(const SnpReport& report) {
  openssl::Number r(
      BN_lebin2bn(openssl::data(report.signature_r), static_cast<int>(report.signature_r.size()), nullptr));
  openssl::Number s(
      BN_lebin2bn(openssl::data(report.signature_s), static_cast<int>(report.signature_s.size()), nullptr));
  const openssl::Signature signature(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || signature == nullptr) return {};
  if (ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  [[maybe_unused]] BIGNUM* const owned_r = r.release();  // the signature owns both now
  [[maybe_unused]] BIGNUM* const owned_s = s.release();
  return openssl::to_der(i2d_ECDSA_SIG, signature.get());
}

bool signed_by(ByteView report, const Bytes& signature, EVP_PKEY* key) {
  if (signature.empty() || !x509::is_p384(key)) return false;
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const bool good = context != nullptr &&
                    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha384(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), openssl::data(signature), signature.size(), openssl::data(report),
                                     snp_report_signed_size) == 1;
  ERR_clear_error();
  return good;
}

std::string plural(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// What the report says of its own signature. Errors end the verification.
Result<std::string_view> kind_of_signer(const SnpReport& report) {
  if (report.chip_key_masked()) {
    return fail(Errc::refused, "the chip key is masked (MaskChipKey): this report's chip ID and signature say nothing");
  }
  if (report.signature_algorithm != ecdsa_p384_sha384) {
    return fail(Errc::unsupported, "signature algorithm " + std::to_string(report.signature_algorithm) +
                                       " is not 1, ECDSA P-384 with SHA-384");
  }
  if (report.signing_key() == SnpSigningKey::vcek) return "VCEK";
  if (report.signing_key() == SnpSigningKey::vlek) return "VLEK";
  if (report.signing_key() == SnpSigningKey::none) return fail(Errc::refused, "the report says that no key signed it");
  return fail(Errc::unsupported, "the report names the reserved signing key " +
                                     std::to_string(static_cast<unsigned>(report.signing_key())));
}

// The certificates whose key signed the report: one, or editions of one.
Result<std::vector<X509*>> find_signers(ByteView bytes, const SnpReport& report, std::string_view kind,
                                        const SnpCertificatePool& pool) {
  std::vector<X509*> out;
  const Bytes signature = der_signature(report);
  std::size_t tried = 0;
  for (const auto& leaf : pool.leaves) {
    if (snp_leaf_kind(leaf.get()) != kind) continue;
    ++tried;
    if (signed_by(bytes, signature, X509_get0_pubkey(leaf.get()))) out.push_back(leaf.get());
  }
  if (!out.empty()) return out;
  if (tried > 0) {
    return fail(Errc::mismatch, std::string("the signature is not by the key of ") +
                                    (tried == 1 ? "the " : "any of the ") +
                                    plural(tried, std::string(kind) + " certificate") + " given");
  }
  std::string sentence = "the report is signed by a " + std::string(kind) + " but no " + std::string(kind) +
                         " certificate is among " + plural(pool.leaves.size() + pool.issuers.size(), "certificate");
  if (pool.unreadable > 0) sentence += " (and " + plural(pool.unreadable, "unreadable object") + ")";
  sentence += kind == "VLEK" ? "; the cloud provider's host hands it out (certificate table of the extended report)"
                             : "; AMD's KDS serves it by chip ID and TCB: \"attestctl keys fetch\" asks for it";
  return fail(Errc::not_found, std::move(sentence));
}

std::string tcb_text(std::uint64_t raw) {
  Writer writer;
  return to_hex(writer.be64(raw).bytes());
}

Result<void> check_hardware_id(const SnpReport& report, const SnpLeafExtensions& leaf, SnpProduct product) {
  if (!leaf.hardware_id) return fail(Errc::malformed, "the VCEK certificate has no hardware ID");
  const std::size_t size = product == SnpProduct::turin ? turin_hardware_id_size : report.chip_id.size();
  const ByteView chip_id(report.chip_id);
  if (leaf.hardware_id->size() != size) {
    return fail(Errc::mismatch, "the hardware ID in the certificate has " + plural(leaf.hardware_id->size(), "byte") +
                                    ", " + std::string(snp_product_name(product)) + " has " + std::to_string(size));
  }
  if (!std::ranges::equal(*leaf.hardware_id, chip_id.first(size)) || !all_zero(chip_id.subspan(size))) {
    return fail(Errc::mismatch, "the report's chip ID " + to_hex(chip_id) + " is not the certificate's hardware ID " +
                                    to_hex(*leaf.hardware_id));
  }
  return {};
}

// AMD 57230 section 3: a leaf vouches for one chip (VCEK) at one TCB.
Result<std::string> check_binding(const SnpReport& report, const SnpLeafExtensions& leaf, std::string_view kind,
                                  std::optional<SnpProduct> product_of_chain) {
  if (!leaf.product)
    return fail(Errc::unsupported, "the certificate's product '" + leaf.product_name + "' is not known");
  const SnpProduct product = *leaf.product;
  if (product_of_chain && *product_of_chain != product) {
    return fail(Errc::mismatch, "the certificate is for " + leaf.product_name + " but its root for " +
                                    std::string(snp_product_name(*product_of_chain)));
  }
  if (report.version >= 3 && report.product() != product) {
    return fail(Errc::mismatch, "the report is of CPUID family " + std::to_string(report.cpuid_family) + " model " +
                                    std::to_string(report.cpuid_model) + " but the certificate for " +
                                    leaf.product_name);
  }
  if (product == SnpProduct::turin && !leaf.fmc)
    return fail(Errc::malformed, "the certificate for Turin has no fmcSPL");
  const std::uint64_t tcb = snp_tcb_of(leaf, product);
  if (tcb != report.reported_tcb) {
    return fail(Errc::mismatch, "the report's reported TCB 0x" + tcb_text(report.reported_tcb) +
                                    " is not the certificate's 0x" + tcb_text(tcb));
  }
  if (kind == "VCEK") {
    ATTESTD_CHECK(check_hardware_id(report, leaf, product));
  } else if (!leaf.csp_id) {
    return fail(Errc::malformed, "the VLEK certificate names no cloud provider (cspID)");
  }
  return "reported TCB 0x" + tcb_text(tcb) + (kind == "VCEK" ? " and chip ID are" : " is") +
         " the certificate's, for " + leaf.product_name;
}

class Verification {
 public:
  Check& add(std::string id) { return out.checks.emplace_back(Check{std::move(id), CheckResult::skipped, {}}); }
  // A check by its Result: the value is the sentence for success.
  void add(std::string id, Result<std::string> result) {
    Check& check = add(std::move(id));
    check.result = result ? CheckResult::pass : CheckResult::fail;
    check.detail = result ? *std::move(result) : std::move(result).error().text();
  }
  void skip_rest(const std::string& why) {
    for (const char* const id : {"snp.chain", "snp.tcb-binding", "snp.revocation"}) add(id).detail = why;
  }

  SnpVerification out;
};

// Chain, binding and revocation of one leaf that signed the report.
SnpVerification judge_leaf(SnpVerification base, X509* leaf, std::string_view kind, const SnpCertificatePool& pool,
                           const TrustRoots& roots, std::int64_t at) {
  Verification to{std::move(base)};
  SnpVerification& out = to.out;
  const auto rfc3339 = [](const ASN1_TIME* time) {
    const auto seconds = x509::unix_time(time);
    return seconds ? to_rfc3339(*seconds) : std::string();
  };
  out.leaf_not_before = rfc3339(X509_get0_notBefore(leaf));
  out.leaf_not_after = rfc3339(X509_get0_notAfter(leaf));
  out.signer = kind;

  const auto chain = find_snp_chain(leaf, pool, roots);
  std::optional<SnpProduct> product_of_chain;
  Result<std::string> chain_result = std::string();
  if (chain) {
    product_of_chain = chain->product;
    out.root_name = chain->root_name;
    out.simulated = chain->simulated;
    if (const auto good = check_snp_chain(leaf, *chain, kind, at)) {
      chain_result = std::string(kind) + " to " + (chain->simulated ? "root named by you, '" : "root pinned, '") +
                     chain->root_name + "', valid at " + to_rfc3339(at);
    } else {
      chain_result = std::unexpected(good.error());
    }
  } else {
    chain_result = std::unexpected(chain.error());
  }
  to.add("snp.chain", std::move(chain_result));

  const auto extensions = parse_snp_extensions(leaf);
  if (extensions) {
    out.product = extensions->product;
    to.add("snp.tcb-binding", check_binding(*out.report, *extensions, kind, product_of_chain));
  } else {
    to.add("snp.tcb-binding", std::unexpected(extensions.error()));
  }
  if (chain) {
    out.checks.push_back(check_snp_revocation(leaf, *chain, pool, at));
  } else {
    to.add("snp.revocation").detail = "there is no chain whose root could revoke";
  }
  return std::move(to.out);
}

}  // namespace

bool SnpVerification::good() const {
  const auto result_of = [this](std::string_view id) {
    const auto found = std::ranges::find(checks, id, &Check::id);
    return found == checks.end() ? CheckResult::fail : found->result;
  };
  return result_of("snp.signature") == CheckResult::pass && result_of("snp.chain") == CheckResult::pass &&
         result_of("snp.tcb-binding") == CheckResult::pass && result_of("snp.revocation") != CheckResult::fail;
}

SnpVerification verify_snp(ByteView report, const SnpEndorsements& endorsements, const TrustRoots& roots,
                           std::int64_t at, VerificationCache* cache) {
  Verification to;
  const auto refuse = [&to](Error error) {
    // Nothing to check it by is no bad signature; either way nothing is believed.
    const bool missing = error.code == Errc::not_found;
    to.add("snp.signature", std::unexpected(std::move(error)));
    if (missing) to.out.checks.back().result = CheckResult::skipped;
    to.skip_rest("no certificate's key is known to have signed the report");
    return std::move(to.out);
  };
  auto parsed = parse_snp_report(report);
  if (!parsed) return refuse(std::move(parsed).error());
  to.out.report = *parsed;
  const auto kind = kind_of_signer(*parsed);
  if (!kind) return refuse(kind.error());
  const auto pool = parse_snp_pool(endorsements, roots, cache);
  if (!pool) return refuse(pool.error());
  const auto signers = find_signers(report, *parsed, *kind, *pool);
  if (!signers) return refuse(signers.error());
  to.add("snp.signature", "ECDSA P-384 by the key of the " + std::string(*kind) + " certificate");

  SnpVerification first;
  for (X509* const leaf : *signers) {
    SnpVerification result = judge_leaf(to.out, leaf, *kind, *pool, roots, at);
    if (result.good()) return result;
    if (first.checks.empty()) first = std::move(result);
  }
  return first;
}

}  // namespace attestd
