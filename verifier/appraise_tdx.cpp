// TDX's part of an appraisal.
#include "verifier/appraise.h"
#include "verifier/appraise_internal.h"
#include "verifier/tdx_policy.h"

namespace attestd {
void add_tdx_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& /*root*/,
                    const AppraisalContext& context) {
  if (bundle.td_quote.empty()) return;
  take_tdx(facts, verify_tdx(bundle.td_quote, context.tdx_collateral, facts.policy.roots, context.at, context.cache),
           bundle.cc_event_log);
}

void take_tdx(Facts& facts, TdxVerification verification, ByteView cc_event_log) {
  facts.tdx = std::move(verification);
  for (const Check& check : facts.tdx->checks) facts.checks.push_back(check);
  for (Check& check : check_tdx_policy(*facts.tdx, facts.policy.tdx, cc_event_log)) {
    facts.checks.push_back(std::move(check));
  }
  if (!cc_event_log.empty() && facts.passed("tdx.rtmrs")) {
    if (auto log = parse_cc_event_log(cc_event_log)) facts.cc_log = *std::move(log);
  }
  HardwareView view{.kind = HardwareKind::tdx};
  view.good = facts.tdx->good();
  view.simulated = facts.tdx->simulated;
  view.root_name = facts.tdx->root_name;
  if (facts.tdx->quote) view.report_data = facts.tdx->quote->body.report_data;
  facts.hardware = std::move(view);
}

Verdict appraise_tdx(const TdxVerification& verification, const Policy* policy) {
  const Policy standard;
  const Policy& used = policy == nullptr ? standard : *policy;
  Facts facts{used};
  facts.tdx = verification;
  facts.checks = verification.checks;
  for (Check& check : check_tdx_policy(verification, used.tdx, {})) facts.checks.push_back(std::move(check));
  std::string claims = claims_to_json({}, facts);
  Verdict verdict = verdict_from_checks(std::move(facts.checks), std::move(claims));
  verdict.simulated = verification.simulated;
  return verdict;
}

}  // namespace attestd
