#include "broker/judge.h"

#include <algorithm>
#include <iterator>

#include "keys/amd_keys.h"
#include "keys/intel_keys.h"

namespace attestd::broker {
namespace {

constexpr std::size_t parsed_limit = 4096;

}  // namespace

const PolicyDecision* Judgement::trusted() const {
  const auto it = std::ranges::find(decisions, Outcome::trusted, &PolicyDecision::outcome);
  return it == decisions.end() ? nullptr : &*it;
}

std::string Judgement::refusal() const {
  if (decisions.empty()) return "the broker has no policy";
  std::string out;
  for (const PolicyDecision& one : decisions) {
    if (!out.empty()) out += "; ";
    out += "policy " + one.policy + ": " + one.reasons;
  }
  return out;
}

Result<std::shared_ptr<const Policy>> Judge::parsed(const StoredPolicy& policy) const {
  const std::pair key(policy.name, policy.version);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = policies_.find(key); known != policies_.end()) return known->second;
  }
  auto read = parse_policy(policy.toml, "/");
  if (!read) return std::unexpected(std::move(read).error().in("policy " + policy.name));
  auto out = std::make_shared<const Policy>(*std::move(read));
  const std::scoped_lock lock(mutex_);
  if (policies_.size() >= parsed_limit) policies_.clear();
  policies_.insert_or_assign(key, out);
  return out;
}

Judgement Judge::judge(const Bundle& bundle, AppraisalContext context,
                       const std::vector<StoredPolicy>& policies) const {
  if (!key_cache_.empty()) {
    SnpEndorsements endorsements = cached_snp_endorsements(key_cache_, snp_report_of(bundle), context.at);
    std::ranges::move(endorsements.certificates, std::back_inserter(context.extra_endorsements.certificates));
    std::ranges::move(endorsements.crls, std::back_inserter(context.extra_endorsements.crls));
    if (!bundle.td_quote.empty()) context.tdx_collateral = cached_tdx_collateral(key_cache_, bundle.td_quote);
  }
  context.cache = &cache_;
  Judgement out;
  for (const StoredPolicy& policy : policies) {
    const auto expected = parsed(policy);
    if (!expected) {
      // Kept by an earlier version of ours, say. The others judge all the same.
      FiveAnswers unknown{};
      unknown.fill(Answer::unknown);
      out.decisions.push_back({policy.name, policy.version, Outcome::undecided, unknown, expected.error().text()});
      continue;
    }
    Appraisal appraisal = appraise(bundle, **expected, context);
    const Verdict& verdict = appraisal.verdict;
    const bool trusted = verdict.outcome == Outcome::trusted;
    out.decisions.push_back({policy.name, policy.version, verdict.outcome, answers_of(verdict),
                             trusted ? std::string() : reasons_of(verdict)});
    if (!trusted) continue;
    out.simulated = out.simulated || verdict.simulated;
    if (!out.statement) out.statement = std::move(appraisal.statement);
  }
  return out;
}

}  // namespace attestd::broker
