#include <openssl/rsa.h>

#include <array>
#include <ctime>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "verifier/verification_cache_internal.h"
#include "verifier/x509_internal.h"

namespace attestd::x509 {
namespace {

using PssParameters = openssl::Handle<RSA_PSS_PARAMS, RSA_PSS_PARAMS_free>;
using Algorithm = openssl::Handle<X509_ALGOR, X509_ALGOR_free>;

constexpr std::int64_t pss_salt_size = 48;

std::string quoted(const X509* certificate) {
  return "certificate '" + common_name(X509_get_subject_name(certificate)) + "'";
}

int algorithm_nid(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(object);
}

bool is_on_curve(const EVP_PKEY* key, std::string_view curve) {
  std::array<char, 32> name{};
  std::size_t size = 0;
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  const bool named = EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1;
  ERR_clear_error();
  return named && std::string_view(name.data()) == curve;
}

bool is_integer(const ASN1_INTEGER* integer, std::int64_t expected) {
  std::int64_t value = 0;
  return ASN1_INTEGER_get_int64(&value, integer) == 1 && value == expected;
}

// RFC 4055 section 3.1. Absent members mean SHA-1 and 20 bytes: refused.
bool is_pss_sha384(const X509_ALGOR* algorithm) {
  if (algorithm_nid(algorithm) != NID_rsassaPss) return false;
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return false;
  const auto* const string = static_cast<const ASN1_STRING*>(value);
  const unsigned char* cursor = ASN1_STRING_get0_data(string);
  const PssParameters pss(d2i_RSA_PSS_PARAMS(nullptr, &cursor, ASN1_STRING_length(string)));
  if (pss == nullptr || pss->hashAlgorithm == nullptr || pss->maskGenAlgorithm == nullptr ||
      pss->saltLength == nullptr) {
    return false;
  }
  if (algorithm_nid(pss->hashAlgorithm) != NID_sha384 || algorithm_nid(pss->maskGenAlgorithm) != NID_mgf1) return false;
  X509_ALGOR_get0(nullptr, &type, &value, pss->maskGenAlgorithm);
  if (type != V_ASN1_SEQUENCE) return false;
  const auto* const mask = static_cast<const ASN1_STRING*>(value);
  cursor = ASN1_STRING_get0_data(mask);
  const Algorithm mask_hash(d2i_X509_ALGOR(nullptr, &cursor, ASN1_STRING_length(mask)));
  if (mask_hash == nullptr || algorithm_nid(mask_hash.get()) != NID_sha384) return false;
  return is_integer(pss->saltLength, pss_salt_size) &&
         (pss->trailerField == nullptr || is_integer(pss->trailerField, 1));
}

std::string sentence_of_times(const X509* certificate, std::int64_t at) {
  const auto from = unix_time(X509_get0_notBefore(certificate));
  const auto to = unix_time(X509_get0_notAfter(certificate));
  return "it is valid from " + to_rfc3339(from.value_or(0)) + " to " + to_rfc3339(to.value_or(0)) +
         ", the time asked for is " + to_rfc3339(at);
}

Result<void> check_flags(X509* certificate) {
  // Also makes OpenSSL fill what it knows of the extensions.
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0)
    return fail(Errc::malformed, quoted(certificate) + " has extensions that do not parse");
  if ((flags & EXFLAG_CRITICAL) != 0) {
    return fail(Errc::unsupported, quoted(certificate) + " has a critical extension that is not known");
  }
  return {};
}

bool is_scheme(const X509_ALGOR* algorithm, SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_pss_sha384: return is_pss_sha384(algorithm);
    case SignatureScheme::ecdsa_sha256: return algorithm_nid(algorithm) == NID_ecdsa_with_SHA256;
    case SignatureScheme::ecdsa_sha384: return algorithm_nid(algorithm) == NID_ecdsa_with_SHA384;
  }
  return false;
}

std::string_view scheme_text(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_pss_sha384: return "RSASSA-PSS with SHA-384 and 48 bytes of salt";
    case SignatureScheme::ecdsa_sha256: return "ECDSA with SHA-256";
    case SignatureScheme::ecdsa_sha384: break;
  }
  return "ECDSA with SHA-384";
}

// Whether the key of `issuer` made the signature over `object`.
template <class T>
bool verified_once(T* object, X509* issuer, VerificationCache* cache, int (*verify)(T*, EVP_PKEY*)) {
  EVP_PKEY* const key = X509_get0_pubkey(issuer);
  if (key == nullptr) return false;
  if (cache != nullptr && cache->is_good(object, issuer)) return true;
  const bool good = verify(object, key) == 1;
  ERR_clear_error();
  if (good && cache != nullptr) cache->remember_good(object, issuer);
  return good;
}

Result<openssl::Certificate> parse_certificate_der(ByteView der) {
  if (der.size() > maximal_certificate_size) {
    return fail(Errc::out_of_range,
                "certificate of " + std::to_string(der.size()) + " bytes is over the limit of 16384");
  }
  const unsigned char* cursor = openssl::data(der);
  const unsigned char* const end = cursor + der.size();
  openssl::Certificate out(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  ERR_clear_error();
  if (out == nullptr || cursor != end) return fail(Errc::malformed, "certificate is not one X.509 object in DER");
  return out;
}

Result<openssl::Crl> parse_crl_der(ByteView der) {
  if (der.size() > maximal_crl_size) {
    return fail(Errc::out_of_range,
                "revocation list of " + std::to_string(der.size()) + " bytes is over the limit of 1 MiB");
  }
  const unsigned char* cursor = openssl::data(der);
  const unsigned char* const end = cursor + der.size();
  openssl::Crl out(d2i_X509_CRL(nullptr, &cursor, static_cast<long>(der.size())));
  ERR_clear_error();
  if (out == nullptr || cursor != end) return fail(Errc::malformed, "revocation list is not one X.509 object in DER");
  return out;
}

}  // namespace

Result<openssl::Certificate> parse_certificate(ByteView der, VerificationCache* cache) {
  return made_once<openssl::Certificate>(VerificationCache::Kind::certificate, der, cache, X509_up_ref,
                                         [der] { return parse_certificate_der(der); });
}

Result<openssl::Crl> parse_crl(ByteView der, VerificationCache* cache) {
  return made_once<openssl::Crl>(VerificationCache::Kind::revocation_list, der, cache, X509_CRL_up_ref,
                                 [der] { return parse_crl_der(der); });
}

std::string common_name(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, index) >= 0) return {};
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  return std::string(
      as_text(openssl::view(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)))));
}

bool same_name(const X509_NAME* a, const X509_NAME* b) { return X509_NAME_cmp(a, b) == 0; }

std::string spki_sha256_hex(const X509* certificate) {
  const Bytes der = openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(certificate));
  return to_hex(digest(HashAlgorithm::sha256, {der}));
}

std::optional<std::int64_t> unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return ::timegm(&parts);
}

bool is_p256(const EVP_PKEY* key) { return is_on_curve(key, "prime256v1"); }
bool is_p384(const EVP_PKEY* key) { return is_on_curve(key, "secp384r1"); }

bool is_rsa4096(const EVP_PKEY* key) {
  constexpr int bits = 4096;
  if (key == nullptr) return false;
  const int id = EVP_PKEY_get_base_id(key);
  return (id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS) && EVP_PKEY_get_bits(key) == bits;
}

Result<void> check_validity(const X509* certificate, std::int64_t at) {
  const auto from = unix_time(X509_get0_notBefore(certificate));
  const auto to = unix_time(X509_get0_notAfter(certificate));
  if (!from || !to) return fail(Errc::malformed, quoted(certificate) + " has no readable validity");
  if (at < *from)
    return fail(Errc::expired, quoted(certificate) + " is not yet valid: " + sentence_of_times(certificate, at));
  if (at > *to) return fail(Errc::expired, quoted(certificate) + " has expired: " + sentence_of_times(certificate, at));
  return {};
}

Result<void> check_ca(X509* certificate) {
  ATTESTD_CHECK(check_flags(certificate));
  if (X509_check_ca(certificate) != 1) {
    return fail(Errc::refused, quoted(certificate) + " is no CA by its basic constraints");
  }
  if ((X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0) {
    return fail(Errc::refused, quoted(certificate) + " may not sign certificates by its key usage");
  }
  return {};
}

Result<void> check_end_entity(X509* certificate) {
  ATTESTD_CHECK(check_flags(certificate));
  if ((X509_get_extension_flags(certificate) & EXFLAG_CA) != 0) {
    return fail(Errc::refused, quoted(certificate) + " is a CA, not the certificate of a report's key");
  }
  return {};
}

Result<void> check_validity(const X509_CRL* list, std::int64_t at) {
  const std::string name = "the revocation list of '" + common_name(X509_CRL_get_issuer(list)) + "'";
  const auto from = unix_time(X509_CRL_get0_lastUpdate(list));
  const auto to = unix_time(X509_CRL_get0_nextUpdate(list));
  if (!from || !to) return fail(Errc::malformed, name + " has no validity");
  if (at < *from) {
    return fail(Errc::expired, name + " is not yet valid: it is of " + to_rfc3339(*from) + ", the time asked for is " +
                                   to_rfc3339(at));
  }
  if (at > *to) {
    return fail(Errc::expired,
                name + " has expired on " + to_rfc3339(*to) + ", the time asked for is " + to_rfc3339(at));
  }
  return {};
}

bool has_critical_extension(const X509_CRL* list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)) != 0) return true;
  }
  return false;
}

bool is_listed(X509_CRL* list, const X509* certificate) {
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_serial(list, &entry, X509_get0_serialNumber(certificate)) != 0;
}

Result<void> check_signature(SignatureScheme scheme, X509* certificate, X509* issuer, VerificationCache* cache) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  if (!is_scheme(algorithm, scheme)) {
    return fail(Errc::refused, quoted(certificate) + " is not signed by " + std::string(scheme_text(scheme)));
  }
  if (verified_once(certificate, issuer, cache, X509_verify)) return {};
  return fail(Errc::mismatch, quoted(certificate) + " is not signed by the certificate of its issuer's name");
}

Result<void> check_signature(SignatureScheme scheme, X509_CRL* list, X509* issuer, VerificationCache* cache) {
  const std::string name = "the revocation list of '" + common_name(X509_CRL_get_issuer(list)) + "'";
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(list, nullptr, &algorithm);
  if (!is_scheme(algorithm, scheme)) {
    return fail(Errc::refused, name + " is not signed by " + std::string(scheme_text(scheme)));
  }
  if (verified_once(list, issuer, cache, X509_CRL_verify)) return {};
  return fail(Errc::mismatch, name + " is not signed by the certificate of its issuer's name");
}

}  // namespace attestd::x509
