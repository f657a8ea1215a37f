#include "verifier/appraise_internal.h"
#include "verifier/snp_policy.h"

namespace attestd {

AnswerWithReasons answer_hardware(const Facts& facts) {
  AnswerBuilder answer;
  if (facts.snp && facts.snp->simulated) {
    answer.note("simulated", "SIMULATED: signed under the root you named (" + facts.snp->root_name + "), not by AMD");
  }
  if (!facts.snp) {
    answer.unknown("no-hardware-evidence", "the bundle has no hardware report");
    return answer.take();
  }
  for (const std::string_view id :
       {"snp.signature", "snp.chain", "snp.tcb-binding", "binding.report-data", "snp.policy"}) {
    demand(answer, facts, id);
  }
  for (const std::string_view id : {"snp.revocation", "snp.tcb-minimum", "binding.nonce"}) tolerate(answer, facts, id);
  if (facts.freshness == Freshness::unproven && !facts.failed("binding.nonce")) {
    const Check* const nonce = facts.find("binding.nonce");
    answer.unknown("freshness", "nothing shows that this evidence is fresh: " +
                                    (nonce == nullptr ? std::string("no nonce") : nonce->detail));
  }
  if (answer.worst() == Answer::no || !facts.passed("snp.signature") || !facts.passed("snp.chain"))
    return answer.take();

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
  if (facts.freshness == Freshness::age) {
    answer.note("fresh-by-age", "freshness is by the statement's time alone, and the host controls that clock");
  }
  return answer.take();
}

AnswerWithReasons answer_initial_state(const Facts& facts) {
  AnswerBuilder answer;
  if (!facts.snp || !facts.snp->report) {
    answer.unknown("no-hardware-evidence", "there is no readable hardware report");
    return answer.take();
  }
  if (facts.policy.snp_measurements.empty()) {
    answer.unknown("no-reference", "the policy has no reference measurement");
    return answer.take();
  }
  const ReferenceMeasurement* const reference = find_reference(*facts.snp->report, facts.policy);
  if (reference == nullptr) {
    demand(answer, facts, "snp.measurement");
    return answer.take();
  }
  switch (reference->origin) {
    case ReferenceOrigin::own_firmware:
      answer.yes("own-firmware", "the launch digest is that of the owner's own firmware");
      break;
    case ReferenceOrigin::reproducible_build:
      answer.yes("reproducible-build", "the launch digest is that of a reproducible build");
      break;
    case ReferenceOrigin::pre_measured:
      answer.yes("pre-measured", "the launch digest was measured before the VM existed");
      break;
    case ReferenceOrigin::pinned:
      answer.yes("pinned", "the launch digest is a pinned one: an opaque hash that must not change");
      break;
  }
  if (!reference->comment.empty()) answer.note("reference-comment", "the policy says of it: " + reference->comment);
  if (facts.answer(Question::hardware) != Answer::yes) {
    answer.unknown("depends-on-hardware", "question 1 is not a yes, so this digest proves nothing");
  }
  return answer.take();
}

}  // namespace attestd
