// A Secure VM Service Module's part of an appraisal: its report binds the statement
// and its vTPM's endorsement key.
#include "verifier/appraise_internal.h"

namespace attestd {

void add_svsm_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                     const AppraisalContext& context) {
  if (bundle.svsm_manifest.empty()) {
    if (facts.policy.svsm.demands_nothing()) return;
    facts.checks.push_back({"svsm.policy", CheckResult::skipped, "the bundle has no SVSM's manifest"});
    return;
  }
  facts.svsm.emplace();
  const SnpReport* const report = facts.snp && facts.snp->report ? &*facts.snp->report : nullptr;
  const TpmPublic* const ak = facts.tpm && facts.tpm->ak && facts.passed("tpm.ak") ? &*facts.tpm->ak : nullptr;
  const TpmQuote* const quote =
      facts.tpm && facts.tpm->quote && facts.passed("tpm.signature") ? &*facts.tpm->quote : nullptr;
  Check manifest = check_svsm_manifest(*facts.svsm, bundle, report, root);
  facts.report_data_binding = Check{"binding.report-data", manifest.result,
                                    manifest.result == CheckResult::pass
                                        ? "the report carries the hash of this statement's root and the SVSM's manifest"
                                        : "svsm.manifest does not pass: " + manifest.detail};
  facts.checks.push_back(std::move(manifest));
  facts.checks.push_back(
      check_svsm_ak(*facts.svsm, ak, facts.statement ? &*facts.statement : nullptr, context.activation_seed));
  facts.checks.push_back(check_svsm_policy(*facts.svsm, quote, facts.policy.svsm));
  // Without an SVSM the guest's own kernel is at VMPL 0 and can have any "manifest"
  // attested: only the launch digest tells what code runs there.
  if (facts.hardware && facts.hardware->good && facts.passed("svsm.manifest") && facts.passed("svsm.ak") &&
      measured_vtpm(facts) == "vmpl") {
    facts.isolation = "vmpl";
  }
}

void judge_svsm(AnswerBuilder& answer, const Facts& facts) {
  if (facts.svsm) {
    for (const std::string_view id : {"svsm.manifest", "svsm.ak"}) demand(answer, facts, id);
    if (facts.passed("svsm.manifest") && facts.passed("svsm.ak") && facts.isolation != "vmpl") {
      answer.note("svsm-not-identified",
                  "a report of VMPL 0 names this vTPM, but no accepted launch digest shows that an SVSM runs there");
    }
  }
  if (!facts.policy.svsm.demands_nothing()) demand(answer, facts, "svsm.policy");
}

void describe_vtpm_state(AnswerBuilder& answer, const Facts& facts) {
  if (!facts.tpm || !facts.tpm->quote || !facts.passed("tpm.signature")) return;
  const std::string resets = std::to_string(facts.tpm->quote->reset_count);
  if (vtpm_state(*facts.tpm->quote) == VtpmState::stateful) {
    answer.note("vtpm-stateful", "this vTPM keeps its state over boots (it counts " + resets +
                                     " resets): keys sealed to it outlive the boot, and somebody stores that state");
  } else {
    answer.note("vtpm-ephemeral", "this vTPM is new at this boot (it counts " + resets +
                                      " resets): it is ephemeral, or at its first boot; nothing sealed to an "
                                      "ephemeral one outlives the boot");
  }
}

}  // namespace attestd
