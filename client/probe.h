// One look at one VM: evidence with a fresh nonce (or what the agent has cached),
// fetched and judged. What `exporter` and `watch` repeat.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/commands.h"
#include "client/source.h"
#include "verifier/snp.h"
#include "verifier/tdx_collateral.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

struct ProbeRequest {
  Source source;
  bool cached = false;  // GET /v1/evidence: judged by its age
  std::chrono::milliseconds timeout{15000};
  HttpsOptions https{};
};

struct ProbeResult {
  // Why there is no evidence, or none that can be read. The verdict is then undecided,
  // and all five answers are unknown.
  std::optional<Error> failure;
  Verdict verdict;
  std::optional<std::int64_t> issued_at;  // of the statement, Unix seconds; believe it as much as the verdict
  std::int64_t at = 0;                    // when it was judged, Unix seconds
  double fetch_seconds = 0;
  double verify_seconds = 0;
};

// Of who has no evidence to judge: undecided, every answer unknown for that reason.
Verdict undecided_verdict(const Error& error);

// A few words on why the verdict is what it is: the failure, or the reasons of the
// required questions that have no yes, or of checks that failed. Not escaped.
std::string probe_reason(const ProbeResult& result);

// Verifies for as long as it lives with what it has parsed before. Any thread may call it.
class Prober {
 public:
  // Options but for the policy, the time, and what the cache of `keys fetch` has, are read once. Errors: those of
  // load_endorsements() and load_collateral().
  static Result<Prober> make(const TrustOptions& trust);

  // `policy` is read anew. Blocks for at most the timeout, and what verification takes.
  [[nodiscard]] ProbeResult probe(const ProbeRequest& request, const std::string& policy) const;

 private:
  explicit Prober(TrustOptions trust) : trust_(std::move(trust)), cache_(std::make_unique<VerificationCache>()) {}
  Result<void> judge(const std::string& policy, FetchedEvidence evidence, std::optional<Bytes> nonce,
                     ProbeResult& into) const;

  TrustOptions trust_;
  SnpEndorsements endorsements_;
  TdxCollateral collateral_;
  std::unique_ptr<VerificationCache> cache_;
};

}  // namespace attestd
