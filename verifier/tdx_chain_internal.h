// Certificates and lists of Intel's provisioning PKI. For .cpp files only.
// Source: Intel "SGX PCK Certificate and Certificate Revocation List Profile
// Specification", revision 1.5.
#pragma once

#include <string>
#include <vector>

#include "base/openssl_internal.h"
#include "evidence/pck_extensions.h"
#include "verifier/roots.h"
#include "verifier/tdx_collateral.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

// Everything that came with quote and collateral. What does not parse is left out.
struct IntelPool {
  std::vector<openssl::Certificate> certificates;
  std::vector<openssl::Crl> lists;
  std::size_t unreadable_lists = 0;
  VerificationCache* cache = nullptr;  // not owned; may be null
};
// Errors: out_of_range when there are more than an honest host would send.
Result<IntelPool> parse_intel_pool(const std::vector<Bytes>& from_quote, const TdxCollateral& collateral,
                                   const TrustRoots& roots, VerificationCache* cache = nullptr);

struct PckChain {
  X509* leaf = nullptr;  // all live in the pool
  X509* intermediate = nullptr;
  X509* root = nullptr;
  std::string root_name;
  bool simulated = false;
};

// The certificates named as PCK certificates are.
std::vector<X509*> pck_leaves(const IntelPool& pool);
// Names, keys, signatures, constraints and trust; times are judged by check_times().
Result<PckChain> find_pck_chain(X509* leaf, const IntelPool& pool, const TrustRoots& roots);
Result<void> check_times(const PckChain& chain, std::int64_t at);
Result<PckExtensions> pck_extensions_of(const X509* leaf);

// Who may sign collateral.
struct TcbSigner {
  X509* certificate = nullptr;  // lives in the pool; null: the key that is pinned
  openssl::Key key;
  // What the cache knows the signer by: the certificate, or the pinned key.
  [[nodiscard]] const void* identity() const {
    return certificate != nullptr ? static_cast<const void*>(certificate) : key.get();
  }
};
// Those of the certificates under `root` that may sign collateral and are valid at
// `at`. Under Intel's own root, when no such certificate came with the collateral,
// the key "Intel SGX TCB Signing" that has signed all of it so far. Error: why
// there is none.
Result<std::vector<TcbSigner>> find_tcb_signers(const PckChain& chain, const IntelPool& pool, std::int64_t at);

// A list that its issuer signed and may sign; its times are not judged.
Result<void> check_intel_list(X509_CRL* list, X509* issuer, VerificationCache* cache = nullptr);
// tdx.revocation: leaf by the PCK CA's list, the CA and `signers` by the root's.
Check check_pck_revocation(const PckChain& chain, const std::vector<X509*>& signers, const IntelPool& pool,
                           std::int64_t at);

// ECDSA P-256 with SHA-256; R || S, big-endian.
bool is_p256_signature(ByteView message, ByteView signature, EVP_PKEY* key);
// X || Y, big-endian, 32 bytes each. Error: malformed (no point of the curve).
Result<openssl::Key> p256_key(ByteView coordinates, VerificationCache* cache = nullptr);

}  // namespace attestd
