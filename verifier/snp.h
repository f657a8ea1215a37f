// Is this SNP report what AMD's key signed? ("Verified"; whether its contents are
// as the owner expects is the policy's business, verifier/policy.h.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/snp_report.h"
#include "verifier/roots.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

struct SnpEndorsements {
  std::vector<Bytes> certificates;  // DER, any order: VCEK or VLEK, ASK or ASVK, ARK
  std::vector<Bytes> crls;          // DER, may be empty
};
// From PEM (one or many certificates and CRLs) or DER files in a folder:
// *.pem *.der *.crt *.cer *.crl. Errors: not_found, malformed with the file's name.
Result<SnpEndorsements> load_snp_endorsements(const std::string& folder);
// From the host's certificate table (evidence/snp_certificates.h), added to `into`.
Result<void> add_snp_certificate_table(ByteView table, SnpEndorsements& into, VerificationCache* cache = nullptr);

// One certificate or revocation list in DER, or any number in PEM, added to `into`.
// Errors: malformed.
Result<void> add_snp_certificates(ByteView pem_or_der, SnpEndorsements& into, VerificationCache* cache = nullptr);

struct SnpVerification {
  // snp.signature, snp.chain, snp.tcb-binding, snp.revocation: always these four.
  std::vector<Check> checks;
  std::optional<SnpReport> report;              // when it parses; believe it only if all pass
  std::optional<SnpProduct> product;            // by the certificate; version 3 reports must agree
  std::string root_name;                        // "ARK-Milan", or the subject of a named root
  bool simulated = false;                       // the root is one that the user named
  std::string signer;                           // "VCEK", "VLEK"
  std::string leaf_not_before, leaf_not_after;  // RFC 3339
  [[nodiscard]] bool good() const;              // signature, chain, tcb-binding pass; revocation not fail
};

// `at`: Unix seconds at which certificates must be valid. `cache` may be null.
SnpVerification verify_snp(ByteView report, const SnpEndorsements& endorsements, const TrustRoots& roots,
                           std::int64_t at, VerificationCache* cache = nullptr);

}  // namespace attestd
