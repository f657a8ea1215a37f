// What our chains demand of certificates, over OpenSSL. For .cpp files only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/openssl_internal.h"
#include "verifier/verification_cache.h"

namespace attestd::x509 {

// Certificates come from the host: no honest one is near this size.
inline constexpr std::size_t maximal_certificate_size = std::size_t{16} << 10U;
inline constexpr std::size_t maximal_crl_size = std::size_t{1} << 20U;

// DER, exactly one object. Errors: out_of_range, malformed.
Result<openssl::Certificate> parse_certificate(ByteView der, VerificationCache* cache = nullptr);
Result<openssl::Crl> parse_crl(ByteView der, VerificationCache* cache = nullptr);

// The common name; empty when there is none, or more than one.
std::string common_name(const X509_NAME* name);
bool same_name(const X509_NAME* a, const X509_NAME* b);
std::string spki_sha256_hex(const X509* certificate);
std::optional<std::int64_t> unix_time(const ASN1_TIME* time);

bool is_p256(const EVP_PKEY* key);
bool is_p384(const EVP_PKEY* key);
bool is_rsa4096(const EVP_PKEY* key);

// Errors say in one sentence what is wrong, naming the certificate by its CN.
// `at`: Unix seconds. Errors: expired.
Result<void> check_validity(const X509* certificate, std::int64_t at);
// Of a revocation list, named by the CN of its issuer. Errors: expired, malformed.
Result<void> check_validity(const X509_CRL* list, std::int64_t at);
// RFC 5280 section 5.2: a critical extension may restrict what the list covers.
bool has_critical_extension(const X509_CRL* list);
bool is_listed(X509_CRL* list, const X509* certificate);
// Basic constraints, key usage, no critical extension that we do not know.
Result<void> check_ca(X509* certificate);
Result<void> check_end_entity(X509* certificate);
// RSASSA-PSS: MGF1 with SHA-384 too.
enum class SignatureScheme { rsa_pss_sha384, ecdsa_sha256, ecdsa_sha384 };
// The signature is of this scheme, and the key of `issuer` made it.
Result<void> check_signature(SignatureScheme scheme, X509* certificate, X509* issuer,
                             VerificationCache* cache = nullptr);
Result<void> check_signature(SignatureScheme scheme, X509_CRL* list, X509* issuer, VerificationCache* cache = nullptr);

}  // namespace attestd::x509
