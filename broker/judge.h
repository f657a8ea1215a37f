// Evidence against the owners' policies.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/decision.h"
#include "broker/store_transaction.h"
#include "evidence/bundle.h"
#include "verifier/appraise.h"
#include "verifier/verification_cache.h"

namespace attestd::broker {

struct Judgement {
  std::vector<PolicyDecision> decisions;  // one for each policy
  bool simulated = false;                 // some policy trusts it by a root that its owner named
  // Of evidence that some policy trusts.
  std::optional<Statement> statement;

  [[nodiscard]] const PolicyDecision* trusted() const;  // the first that does, or null
  // Why none does: each policy's reasons, in one sentence.
  [[nodiscard]] std::string refusal() const;
};

// Any thread may ask.
class Judge {
 public:
  // `key_cache`: folder of vendors' certificates and collateral; empty: evidence brings its own.
  explicit Judge(std::string key_cache) : key_cache_(std::move(key_cache)) {}

  // `context` says what binds the evidence to the request, and the time. A policy that does not parse is undecided.
  [[nodiscard]] Judgement judge(const Bundle& bundle, AppraisalContext context,
                                const std::vector<StoredPolicy>& policies) const;

 private:
  [[nodiscard]] Result<std::shared_ptr<const Policy>> parsed(const StoredPolicy& policy) const;

  std::string key_cache_;
  mutable VerificationCache cache_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, std::int64_t>, std::shared_ptr<const Policy>> policies_;
};

}  // namespace attestd::broker
