// Is this TD quote what Intel's quoting enclave on a certified platform signed,
// and which TCB does it prove? (Whether that is as the owner expects is
// verifier/tdx_policy.h's business.)
// Source: Intel "TDX DCAP Quoting Library API"; Intel "SGX PCK Certificate and CRL
// Profile"; Intel PCS API version 4, "Get TDX TCB Info", "Get TDX QE Identity".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/dcap_collateral.h"
#include "evidence/pck_extensions.h"
#include "evidence/td_quote.h"
#include "verifier/roots.h"
#include "verifier/tdx_collateral.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

// What the collateral says of the platform's TCB.
struct TdxTcb {
  TcbStatus status = TcbStatus::revoked;  // the worst of what follows, as Intel combines them
  TcbStatus platform = TcbStatus::revoked;
  std::optional<TcbStatus> module;  // when the module has an identity of its own
  TcbStatus qe = TcbStatus::revoked;
  // What the status would be had the TD been launched on today's module (TD 1.5, TEE
  // TCB SVN 2), when that is another.
  std::optional<TcbStatus> after_relaunch;
  std::int64_t platform_date = 0;                       // tcbDate of the platform's level, Unix seconds
  std::vector<std::string> advisories;                  // of all three, sorted, each once
  std::uint32_t tcb_evaluation_data_number = 0;         // of the TCB info
  std::int64_t collateral_from = 0, collateral_to = 0;  // when TCB info and QE identity are both current
};

struct TdxVerification {
  // Always these six: tdx.signature (the quote is the attestation key's), tdx.qe (the
  // QE that the PCK certified vouches for that key), tdx.chain, tdx.revocation,
  // tdx.qe-identity (the QE is Intel's), tdx.tcb-info (current, for this platform,
  // and the TDX module is Intel's).
  std::vector<Check> checks;
  std::optional<TdQuote> quote;                 // when it parses; believe it only if all pass
  std::optional<SgxReportBody> qe_report;       // likewise
  std::optional<PckExtensions> pck;             // of the leaf that signed the QE report
  std::optional<TdxTcb> tcb;                    // only when tdx.qe-identity and tdx.tcb-info pass
  std::string tcb_problem;                      // why there is none although both pass: no level is for the platform
  std::string root_name;                        // "Intel SGX Root CA", or the subject of a named root
  std::string issuer;                           // of the leaf: "Intel SGX PCK Platform CA"
  bool simulated = false;                       // the root is one that the user named
  std::string leaf_not_before, leaf_not_after;  // RFC 3339
  // signature, qe and chain pass; nothing fails.
  [[nodiscard]] bool good() const;
};

// `at`: Unix seconds at which certificates, lists and collateral must be valid. `cache`
// may be null.
TdxVerification verify_tdx(ByteView quote, const TdxCollateral& collateral, const TrustRoots& roots, std::int64_t at,
                           VerificationCache* cache = nullptr);

}  // namespace attestd
