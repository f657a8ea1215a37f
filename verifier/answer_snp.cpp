// SEV-SNP's share of questions 1 and 2.
#include "verifier/appraise_internal.h"
#include "verifier/snp_policy.h"

namespace attestd {

void judge_snp_hardware(AnswerBuilder& answer, const Facts& facts) {
  for (const std::string_view id : {"snp.signature", "snp.chain", "snp.tcb-binding", "snp.policy"}) {
    demand(answer, facts, id);
  }
  tolerate(answer, facts, "snp.revocation");
  if (!facts.policy.snp_minimum_tcb.empty()) demand(answer, facts, "snp.tcb-minimum");
}

void describe_snp_hardware(AnswerBuilder& answer, const Facts& facts) {
  const SnpVerification& snp = *facts.snp;
  const std::string product = snp.product ? std::string(snp_product_name(*snp.product)) : "unknown product";
  answer.yes("signed", "an SEV-SNP report of " + product + ", signed by the " + snp.signer + " under " + snp.root_name);
  if (const Check* const revocation = facts.find("snp.revocation");
      revocation != nullptr && revocation->result == CheckResult::skipped) {
    answer.note("revocation-not-checked", "revocation was not checked: " + revocation->detail);
  }
  if (facts.policy.snp_minimum_tcb.empty()) {
    answer.note("no-tcb-minimum", "the policy has no TCB minimum, so firmware with known faults would pass");
  }
  if (facts.policy.snp_allow_debug && snp.report && snp.report->policy.debug()) {
    answer.note("debug-allowed",
                "debugging is allowed, which the policy accepts: the host can read this guest's memory");
  }
}

void judge_snp_initial_state(AnswerBuilder& answer, const Facts& facts) {
  if (facts.policy.snp_measurements.empty()) {
    answer.unknown("no-reference", "the policy has no reference measurement");
    return;
  }
  if (const ReferenceMeasurement* const reference = find_reference(*facts.snp->report, facts.policy)) {
    accept_reference(answer, *reference);
  } else {
    demand(answer, facts, "snp.measurement");
  }
}

}  // namespace attestd
