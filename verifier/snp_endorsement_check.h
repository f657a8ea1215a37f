// What one of AMD's endorsements is good for, judged without a report: for what
// fetches and keeps them. A verifier judges them again, with the report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "evidence/snp_report.h"
#include "verifier/roots.h"
#include "verifier/snp.h"

namespace attestd {

// Times are Unix seconds. Errors of all three: malformed, not_found (a part is
// missing), refused or mismatch (a root that is not trusted, a wrong signature,
// name or key), expired, as those of verify_snp().

// ASK and ARK, or ASVK and ARK.
struct SnpIssuersFacts {
  SnpProduct product = SnpProduct::milan;
  std::string kind;  // of the leaves that they issue: "VCEK", "VLEK"
  std::int64_t valid_until = 0;
};
// `set` has one intermediate certificate and its root.
Result<SnpIssuersFacts> check_snp_issuer_set(const SnpEndorsements& set, const TrustRoots& roots, std::int64_t at);

struct SnpLeafFacts {
  SnpProduct product = SnpProduct::milan;
  std::string kind;                  // "VCEK", "VLEK"
  std::optional<Bytes> hardware_id;  // VCEK: 64 bytes, Turin 8
  std::uint64_t tcb = 0;             // as a report has it
  std::int64_t valid_until = 0;
};
Result<SnpLeafFacts> check_snp_leaf(ByteView der, const SnpEndorsements& issuers, const TrustRoots& roots,
                                    std::int64_t at);

struct SnpListFacts {
  SnpProduct product = SnpProduct::milan;
  std::int64_t valid_from = 0, valid_until = 0;
};
// A revocation list by the root in `issuers`.
Result<SnpListFacts> check_snp_list(ByteView der, const SnpEndorsements& issuers, const TrustRoots& roots,
                                    std::int64_t at);
// thisUpdate, unverified; nothing when it is no revocation list.
std::optional<std::int64_t> snp_list_made_at(ByteView der);

}  // namespace attestd
