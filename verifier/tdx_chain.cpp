#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "verifier/tdx_chain_internal.h"
#include "verifier/verification_cache_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

// The host chooses how many it sends, and each may cost us a verification.
constexpr std::size_t maximal_certificates = 64;
constexpr std::size_t maximal_lists = 16;
constexpr auto scheme = x509::SignatureScheme::ecdsa_sha256;

std::string subject(const X509* certificate) { return x509::common_name(X509_get_subject_name(certificate)); }

// Chains of our simulator have Intel's names with this before them; they end in
// a root that the user named, so the prefix gives nobody any trust.
std::string_view without_simulation_prefix(std::string_view name) {
  constexpr std::string_view prefix = "SIMULATED ";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name;
}

// Profile section 1.2: the subjects' common names.
bool is_pck_leaf(const X509* certificate) {
  return without_simulation_prefix(subject(certificate)) == "Intel SGX PCK Certificate";
}
bool is_pck_ca(const X509* certificate) {
  const std::string name = subject(certificate);
  const std::string_view plain = without_simulation_prefix(name);
  return plain == "Intel SGX PCK Platform CA" || plain == "Intel SGX PCK Processor CA";
}
bool is_tcb_signing(const X509* certificate) {
  return without_simulation_prefix(subject(certificate)) == "Intel SGX TCB Signing";
}

bool issued_by(const X509* certificate, const X509* issuer) {
  return x509::same_name(X509_get_issuer_name(certificate), X509_get_subject_name(issuer));
}

Result<void> check_signing_key(X509* certificate) {
  if (!x509::is_p256(X509_get0_pubkey(certificate))) {
    return fail(Errc::refused, "the key of '" + subject(certificate) + "' is not on P-256");
  }
  return {};
}

Result<void> check_signing_certificate(X509* certificate) {
  ATTESTD_CHECK(check_signing_key(certificate));
  ATTESTD_CHECK(x509::check_end_entity(certificate));
  // Absent means any use: RFC 5280 section 4.2.1.3.
  if ((X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0) {
    return fail(Errc::refused, "certificate '" + subject(certificate) + "' may not sign by its key usage");
  }
  return {};
}

Result<void> check_root(X509* root, VerificationCache* cache) {
  ATTESTD_CHECK(check_signing_key(root));
  ATTESTD_CHECK(x509::check_ca(root));
  if (!issued_by(root, root)) return fail(Errc::refused, "root '" + subject(root) + "' is not self-signed");
  return x509::check_signature(scheme, root, root, cache);
}

// A pinned key is the vendor's, whether or not the user named it too.
Result<void> trust_root(PckChain& chain, const TrustRoots& roots) {
  const std::string spki = x509::spki_sha256_hex(chain.root);
  for (const PinnedRoot& pinned : intel_roots()) {
    if (spki != pinned.spki_sha256) continue;
    chain.root_name = pinned.name;
    return {};
  }
  const Bytes der = openssl::to_der(i2d_X509, chain.root);
  if (std::ranges::find(roots.named, der) == roots.named.end()) {
    return fail(Errc::refused, "root '" + subject(chain.root) + "' (SPKI SHA-256 " + spki +
                                   ") is neither Intel's nor one that you named");
  }
  chain.root_name = subject(chain.root);
  chain.simulated = true;
  return {};
}

// Keeps the first reason: the best candidate comes first.
void keep_first(std::optional<Error>& reason, Error error) {
  if (!reason) reason = std::move(error);
}

Result<PckChain> find_root(X509* leaf, X509* intermediate, const IntelPool& pool, const TrustRoots& roots) {
  std::optional<Error> reason;
  for (const auto& candidate : pool.certificates) {
    if (!issued_by(intermediate, candidate.get()) || is_pck_ca(candidate.get())) continue;
    PckChain chain{leaf, intermediate, candidate.get(), {}, false};
    auto good = trust_root(chain, roots);
    if (good) good = check_root(candidate.get(), pool.cache);
    if (good) good = x509::check_signature(scheme, intermediate, candidate.get(), pool.cache);
    if (good) return chain;
    keep_first(reason, std::move(good).error());
  }
  if (reason) return std::unexpected(*std::move(reason));
  return fail(Errc::not_found, "there is no root certificate '" +
                                   x509::common_name(X509_get_issuer_name(intermediate)) +
                                   "'; it comes with the quote, or from Intel's service as rootca");
}

}  // namespace

Result<IntelPool> parse_intel_pool(const std::vector<Bytes>& from_quote, const TdxCollateral& collateral,
                                   const TrustRoots& roots, VerificationCache* cache) {
  if (from_quote.size() + collateral.certificates.size() > maximal_certificates ||
      collateral.crls.size() > maximal_lists) {
    return fail(Errc::out_of_range,
                "there is more collateral than the limit of 64 certificates and 16 revocation lists");
  }
  IntelPool out;
  out.cache = cache;
  std::vector<ByteView> seen;
  const std::array sources{&from_quote, &collateral.certificates, &roots.named};
  for (const std::vector<Bytes>* const source : sources) {
    for (const Bytes& der : *source) {
      const auto same = [&der](ByteView other) { return std::ranges::equal(der, other); };
      if (std::ranges::any_of(seen, same)) continue;
      seen.emplace_back(der);
      auto certificate = x509::parse_certificate(der, cache);
      if (!certificate) continue;
      if (X509_get0_pubkey(certificate->get()) != nullptr) out.certificates.push_back(*std::move(certificate));
      ERR_clear_error();
    }
  }
  for (const Bytes& der : collateral.crls) {
    if (auto list = x509::parse_crl(der, cache)) {
      out.lists.push_back(*std::move(list));
    } else {
      ++out.unreadable_lists;
    }
  }
  return out;
}

std::vector<X509*> pck_leaves(const IntelPool& pool) {
  std::vector<X509*> out;
  for (const auto& certificate : pool.certificates) {
    if (is_pck_leaf(certificate.get())) out.push_back(certificate.get());
  }
  return out;
}

Result<PckChain> find_pck_chain(X509* leaf, const IntelPool& pool, const TrustRoots& roots) {
  ATTESTD_CHECK(check_signing_certificate(leaf));
  std::optional<Error> reason;
  for (const auto& candidate : pool.certificates) {
    if (!issued_by(leaf, candidate.get())) continue;
    Result<void> good;
    if (!is_pck_ca(candidate.get())) {
      good = fail(Errc::refused, "issuer '" + subject(candidate.get()) + "' does not issue PCK certificates");
    }
    if (good) good = check_signing_key(candidate.get());
    if (good) good = x509::check_ca(candidate.get());
    if (good) good = x509::check_signature(scheme, leaf, candidate.get(), pool.cache);
    if (!good) {
      keep_first(reason, std::move(good).error());
      continue;
    }
    auto chain = find_root(leaf, candidate.get(), pool, roots);
    if (chain) return chain;
    keep_first(reason, std::move(chain).error());
  }
  if (reason) return std::unexpected(*std::move(reason));
  return fail(Errc::not_found,
              "there is no issuer certificate '" + x509::common_name(X509_get_issuer_name(leaf)) +
                  "'; it comes with the quote, or from Intel's service beside the PCK revocation list");
}

Result<void> check_times(const PckChain& chain, std::int64_t at) {
  for (const X509* const certificate : {chain.leaf, chain.intermediate, chain.root}) {
    ATTESTD_CHECK(x509::check_validity(certificate, at));
  }
  return {};
}

Result<PckExtensions> pck_extensions_of(const X509* leaf) {
  const openssl::Object oid(OBJ_txt2obj(std::string(pck_extension_oid).c_str(), 1));
  if (oid == nullptr) return openssl::failure("cannot make the OID of the SGX extension");
  const int index = X509_get_ext_by_OBJ(leaf, oid.get(), -1);
  if (index < 0) return fail(Errc::malformed, "the PCK certificate has no SGX extension");
  if (X509_get_ext_by_OBJ(leaf, oid.get(), index) >= 0) {
    return fail(Errc::malformed, "the PCK certificate has the SGX extension twice");
  }
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(leaf, index));
  return parse_pck_extensions(
      openssl::view(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))));
}

namespace {

// X || Y of "Intel SGX TCB Signing", the same in its certificates of 2018 and 2025.
const Bytes& pinned_tcb_signing_point() {
  static const Bytes point = from_hex(
                                 "43451bcc73c9d5917caf766e61af3fe98087dd4f13257b261e851897799dd13d"
                                 "6811fb47713803bb9bae587fccddc2e31be9a28b86962acc6daf96da58eeca96")
                                 .value();
  return point;
}

}  // namespace

Result<std::vector<TcbSigner>> find_tcb_signers(const PckChain& chain, const IntelPool& pool, std::int64_t at) {
  std::vector<TcbSigner> out;
  std::optional<Error> reason;
  for (const auto& candidate : pool.certificates) {
    X509* const certificate = candidate.get();
    if (!is_tcb_signing(certificate) || !issued_by(certificate, chain.root)) continue;
    auto good = check_signing_certificate(certificate);
    if (good) good = x509::check_signature(scheme, certificate, chain.root, pool.cache);
    if (good) good = x509::check_validity(certificate, at);
    if (good) {
      EVP_PKEY* const key = X509_get0_pubkey(certificate);
      if (EVP_PKEY_up_ref(key) == 1) out.push_back({certificate, openssl::Key(key)});
    } else {
      keep_first(reason, std::move(good).error());
    }
  }
  if (!out.empty()) return out;
  if (reason) return std::unexpected(*std::move(reason));
  if (!chain.simulated) {
    ATTESTD_TRY(openssl::Key key, p256_key(pinned_tcb_signing_point(), pool.cache));
    out.push_back({nullptr, std::move(key)});
    return out;
  }
  return fail(Errc::not_found, "there is no certificate 'Intel SGX TCB Signing' under '" + chain.root_name +
                                   "'; Intel's service sends it in TCB-Info-Issuer-Chain");
}

bool is_p256_signature(ByteView message, ByteView signature, EVP_PKEY* key) {
  constexpr std::size_t half = 32;
  if (signature.size() != 2 * half || !x509::is_p256(key)) return false;
  openssl::Number r(BN_bin2bn(openssl::data(signature), half, nullptr));
  openssl::Number s(BN_bin2bn(openssl::data(signature.subspan(half)), half, nullptr));
  const openssl::Signature value(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || value == nullptr || ECDSA_SIG_set0(value.get(), r.get(), s.get()) != 1) {
    return false;
  }
  [[maybe_unused]] BIGNUM* const owned_r = r.release();  // the signature owns both now
  [[maybe_unused]] BIGNUM* const owned_s = s.release();
  const Bytes der = openssl::to_der(i2d_ECDSA_SIG, value.get());
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const bool good =
      !der.empty() && context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), openssl::data(der), der.size(), openssl::data(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

namespace {

Result<openssl::Key> make_p256_key(ByteView coordinates) {
  using Builder = openssl::Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
  using Parameters = openssl::Handle<OSSL_PARAM, OSSL_PARAM_free>;
  constexpr std::size_t size = 64;
  openssl::Key out;
  if (coordinates.size() != size) return fail(Errc::malformed, "a P-256 key has 64 bytes");
  const Bytes point = Writer().u8(POINT_CONVERSION_UNCOMPRESSED).raw(coordinates).take();
  const Builder builder(OSSL_PARAM_BLD_new());
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (builder != nullptr && context != nullptr &&
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    EVP_PKEY* key = nullptr;
    if (parameters != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1) {
      out.reset(key);
    }
  }
  ERR_clear_error();
  if (out == nullptr) return fail(Errc::malformed, "the coordinates are no point of P-256");
  return out;
}

}  // namespace

Result<openssl::Key> p256_key(ByteView coordinates, VerificationCache* cache) {
  return made_once<openssl::Key>(VerificationCache::Kind::p256_key, coordinates, cache, EVP_PKEY_up_ref,
                                 [coordinates] { return make_p256_key(coordinates); });
}

}  // namespace attestd
