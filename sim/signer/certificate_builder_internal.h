// Builds certificates and signatures of any vendor's shape. For the signers' .cpp
// files only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/openssl_internal.h"

namespace attestd::sim {

struct CertificateSpec {
  std::uint64_t serial = 1;
  // Names in order, by short name: {"C", "US"}, {"O", "attestd simulator"}, {"CN", "…"}.
  using Name = std::vector<std::pair<std::string, std::string>>;
  Name issuer;
  Name subject;
  std::int64_t not_before = 0;  // Unix seconds
  std::int64_t not_after = 0;
  EVP_PKEY* key = nullptr;         // the subject's
  EVP_PKEY* issuer_key = nullptr;  // EC: ECDSA; RSA: PKCS #1 v1.5
  const EVP_MD* hash = EVP_sha384();
  // By NID, as x509v3_config(5) writes them: {NID_basic_constraints, "critical,CA:TRUE"}.
  std::vector<std::pair<int, std::string>> extensions;
  // By OID, the content of extnValue in DER.
  std::vector<std::pair<std::string, Bytes>> other_extensions;
};
Result<openssl::Certificate> build_certificate(const CertificateSpec& spec);
// All but the signature, for other kinds of it.
Result<openssl::Certificate> build_unsigned_certificate(const CertificateSpec& spec);

// `curve`: "P-256", "P-384".
Result<openssl::Key> make_ec_key(const char* curve);
// An ECDSA signature as R || S, each of `half` bytes, big-endian.
Result<Bytes> sign_ecdsa(EVP_PKEY* key, const EVP_MD* hash, ByteView message, std::size_t half);

}  // namespace attestd::sim
