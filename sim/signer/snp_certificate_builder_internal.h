// Builds certificates and lists of AMD's shape. For the signer's .cpp files only.
#pragma once

#include <string>

#include "base/openssl_internal.h"
#include "sim/signer/snp_signer.h"

namespace attestd::sim {

struct CertificateRequest {
  std::uint64_t serial = 0;
  std::string issuer;  // common names; the other name parts are AMD's
  std::string subject;
  std::int64_t not_before = 0, not_after = 0;
  EVP_PKEY* key = nullptr;         // subject's
  EVP_PKEY* issuer_key = nullptr;  // RSA
  bool sha256 = false;
};

enum class CaKind { none, root, intermediate };

Result<openssl::Certificate> build_ca(const CertificateRequest& request, CaKind kind);
Result<openssl::Certificate> build_leaf(const CertificateRequest& request, const SnpSignerOptions& options);
// By RSA-PSS as AMD's, or by ECDSA with SHA-256 as Intel's.
Result<openssl::Crl> build_crl(X509* issuer, EVP_PKEY* issuer_key, const std::vector<std::uint64_t>& serials,
                               std::int64_t this_update, std::int64_t next_update);

}  // namespace attestd::sim
