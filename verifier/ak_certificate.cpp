#include "verifier/ak_certificate.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "verifier/tpm_key_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

constexpr std::size_t longest_chain = 4;  // certificates above the key's
constexpr unsigned signature_limit = 64;  // verified for one chain: a hostile pool is a maze
constexpr std::size_t pool_limit = 64;    // certificates looked at
constexpr int minimal_rsa_bits = 2048;
// Google's "Cloud Compute Instance Identifier".
constexpr std::string_view instance_oid = "1.3.6.1.4.1.11129.2.1.21";

std::string name_of(const X509* certificate) { return x509::common_name(X509_get_subject_name(certificate)); }

struct Pool {
  std::vector<openssl::Certificate> certificates;
  unsigned signatures = 0;  // verified so far
};

Pool parse_pool(const std::vector<Bytes>& ders) {
  Pool out;
  for (const Bytes& der : ders) {
    if (out.certificates.size() == pool_limit) break;
    if (auto certificate = x509::parse_certificate(der)) out.certificates.push_back(*std::move(certificate));
  }
  return out;
}

bool strong_signature(const X509* certificate) {
  constexpr std::array accepted{NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
                                NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512};
  return std::ranges::find(accepted, X509_get_signature_nid(certificate)) != accepted.end();
}

Result<void> check_signature(X509* certificate, const X509* issuer) {
  EVP_PKEY* const key = X509_get0_pubkey(issuer);
  if (key == nullptr) return fail(Errc::malformed, "certificate '" + name_of(issuer) + "' has no usable key");
  if (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) < minimal_rsa_bits) {
    return fail(Errc::refused, "certificate '" + name_of(issuer) + "' has an RSA key of under 2048 bits");
  }
  if (!strong_signature(certificate)) {
    return fail(Errc::refused,
                "certificate '" + name_of(certificate) + "' is not signed by RSA or ECDSA with SHA-256 or better");
  }
  const bool good = X509_verify(certificate, key) == 1;
  ERR_clear_error();
  if (good) return {};
  return fail(Errc::mismatch,
              "certificate '" + name_of(certificate) + "' is not signed by the certificate of its issuer's name");
}

struct Trust {
  std::string root_name;
  bool simulated = false;
};

std::optional<Trust> trust_in(const X509* root, const TrustRoots& roots) {
  const std::string spki = x509::spki_sha256_hex(root);
  for (const PinnedRoot& pinned : vtpm_key_roots()) {
    if (spki == pinned.spki_sha256) return Trust{std::string(pinned.name), false};
  }
  const Bytes der = openssl::to_der(i2d_X509, root);
  if (std::ranges::find(roots.vtpm, der) != roots.vtpm.end()) return Trust{name_of(root), true};
  return std::nullopt;
}

// The first reason is kept: the best candidate comes first, except that a missing
// issuer says less than an issuer that is there and wrong.
Result<Trust> find_root(X509* certificate, Pool& pool, const TrustRoots& roots, std::int64_t at, std::size_t depth) {
  std::optional<Error> reason;
  const auto keep = [&](Error error) {
    if (!reason || reason->code == Errc::not_found) reason = std::move(error);
  };
  for (const auto& issuer : pool.certificates) {
    if (!x509::same_name(X509_get_issuer_name(certificate), X509_get_subject_name(issuer.get()))) continue;
    if (++pool.signatures > signature_limit) {
      return fail(Errc::refused, "the chain's certificates have too many issuers of one name");
    }
    if (auto good = check_signature(certificate, issuer.get()); !good) {
      keep(std::move(good).error());
      continue;
    }
    if (auto good = x509::check_ca(issuer.get()); !good) {
      keep(std::move(good).error());
      continue;
    }
    if (auto good = x509::check_validity(issuer.get(), at); !good) {
      keep(std::move(good).error());
      continue;
    }
    const long path_length = X509_get_pathlen(issuer.get());
    if (path_length >= 0 && static_cast<std::size_t>(path_length) < depth - 1) {
      keep(Error{Errc::refused, "'" + name_of(issuer.get()) + "' may not have so many CAs below it", std::nullopt, 0});
      continue;
    }
    if (auto trust = trust_in(issuer.get(), roots)) return *std::move(trust);
    const bool self_issued = x509::same_name(X509_get_issuer_name(issuer.get()), X509_get_subject_name(issuer.get()));
    if (self_issued) {
      keep(Error{Errc::refused,
                 "root '" + name_of(issuer.get()) + "' (SPKI SHA-256 " + x509::spki_sha256_hex(issuer.get()) +
                     ") is neither Google's root for vTPM keys nor one that you named",
                 std::nullopt, 0});
    } else if (depth < longest_chain) {
      auto trust = find_root(issuer.get(), pool, roots, at, depth + 1);
      if (trust) return trust;
      keep(std::move(trust).error());
    } else {
      keep(Error{Errc::refused, "the chain is longer than 4 certificates", std::nullopt, 0});
    }
  }
  if (reason) return std::unexpected(*std::move(reason));
  return fail(Errc::not_found, "there is no certificate of the issuer '" +
                                   x509::common_name(X509_get_issuer_name(certificate)) +
                                   "'; give its chain to the agent (gcp.ak-chain) or with --certs");
}

Result<std::optional<GceInstance>> instance_of(const X509* certificate) {
  const openssl::Object oid(OBJ_txt2obj(std::string(instance_oid).c_str(), 1));
  const int index = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
  if (index < 0) return std::optional<GceInstance>();
  if (X509_get_ext_by_OBJ(certificate, oid.get(), index) >= 0) {
    return fail(Errc::malformed, "the certificate has two instance identities");
  }
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(certificate, index));
  ATTESTD_TRY(GceInstance instance,
              parse_gce_instance(
                  openssl::view(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)))));
  return std::optional<GceInstance>(std::move(instance));
}

std::string time_text(const ASN1_TIME* time) { return to_rfc3339(x509::unix_time(time).value_or(0)); }

}  // namespace

std::span<const PinnedRoot> vtpm_key_roots() {
  static constexpr std::array roots{
      PinnedRoot{"Google EK/AK CA Root", "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f"},
  };
  return roots;
}

Result<std::optional<GceInstance>> gce_instance_of(ByteView der) {
  ATTESTD_TRY(const openssl::Certificate certificate, x509::parse_certificate(der));
  return instance_of(certificate.get());
}

Result<TpmKeyCertificate> verify_tpm_key_certificate(ByteView der, const TpmPublic& key, TpmKeyUse use,
                                                     const std::vector<Bytes>& ders, const TrustRoots& roots,
                                                     std::int64_t at) {
  ATTESTD_TRY(const openssl::Certificate certificate, x509::parse_certificate(der));
  ATTESTD_TRY(const TpmKey own_key, tpm_key(key));
  EVP_PKEY* const certified = X509_get0_pubkey(certificate.get());
  const bool same = certified != nullptr && EVP_PKEY_eq(certified, own_key.get()) == 1;
  ERR_clear_error();
  if (!same) return fail(Errc::mismatch, "the certificate is of another key than the TPM's");
  ATTESTD_CHECK(x509::check_end_entity(certificate.get()));
  // Without a key usage every use would be allowed (RFC 5280 section 4.2.1.3).
  const std::uint32_t usage = X509_get_key_usage(certificate.get());
  const std::uint32_t needed = use == TpmKeyUse::attestation ? KU_DIGITAL_SIGNATURE : KU_KEY_ENCIPHERMENT;
  if (usage == UINT32_MAX || (usage & needed) == 0) {
    return fail(Errc::refused, use == TpmKeyUse::attestation
                                   ? "the certificate's key usage does not allow signatures"
                                   : "the certificate's key usage does not allow encryption of keys");
  }
  ATTESTD_CHECK(x509::check_validity(certificate.get(), at));
  Pool pool = parse_pool(ders);
  ATTESTD_TRY(Trust trust, find_root(certificate.get(), pool, roots, at, 1));
  TpmKeyCertificate out;
  out.root_name = std::move(trust.root_name);
  out.simulated = trust.simulated;
  out.not_before = time_text(X509_get0_notBefore(certificate.get()));
  out.not_after = time_text(X509_get0_notAfter(certificate.get()));
  ATTESTD_TRY(out.instance, instance_of(certificate.get()));
  return out;
}

}  // namespace attestd
