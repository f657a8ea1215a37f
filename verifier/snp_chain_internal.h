// From a leaf certificate to a root of AMD's, or one that the user named, and
// the revocation lists of that root. For .cpp files only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/openssl_internal.h"
#include "evidence/snp_report.h"
#include "verifier/roots.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

// Endorsements, parsed. What does not parse is counted and left out.
struct SnpCertificatePool {
  std::vector<openssl::Certificate> leaves;  // an EC key
  std::vector<openssl::Certificate> issuers;
  std::vector<openssl::Crl> lists;
  std::size_t unreadable = 0;
  VerificationCache* cache = nullptr;  // not owned; may be null
};

// Errors: out_of_range (more of them than an honest host would send).
Result<SnpCertificatePool> parse_snp_pool(const SnpEndorsements& endorsements, const TrustRoots& roots,
                                          VerificationCache* cache = nullptr);

// By the common name of the leaf, or of its issuer: "VCEK", "VLEK" or empty.
std::string_view snp_leaf_kind(const X509* leaf);
std::string_view snp_issuer_kind(const X509* intermediate);

struct SnpChain {
  X509* intermediate = nullptr;  // both live in the pool
  X509* root = nullptr;
  SnpProduct product = SnpProduct::milan;
  std::string root_name;
  bool simulated = false;
  VerificationCache* cache = nullptr;  // of the pool
};

// Finds the issuers; says what is missing or wrong about them. Times and the
// leaf itself are not judged yet.
Result<SnpChain> find_snp_chain(X509* leaf, const SnpCertificatePool& pool, const TrustRoots& roots);
// The same from an intermediate on.
Result<SnpChain> find_snp_root(X509* intermediate, const SnpCertificatePool& pool, const TrustRoots& roots);
// Everything else that a chain must be. `kind`: "VCEK" or "VLEK".
Result<void> check_snp_chain(X509* leaf, const SnpChain& chain, std::string_view kind, std::int64_t at);
// The same without the leaf.
Result<void> check_snp_issuers(const SnpChain& chain, std::string_view kind, std::int64_t at);

// A list of the root's, signed by it and current. Errors: expired, and others.
Result<void> check_snp_list(X509_CRL* list, const SnpChain& chain, std::int64_t at);
// snp.revocation.
Check check_snp_revocation(X509* leaf, const SnpChain& chain, const SnpCertificatePool& pool, std::int64_t at);

}  // namespace attestd
