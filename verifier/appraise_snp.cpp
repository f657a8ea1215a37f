// SEV-SNP's part of an appraisal.
#include "verifier/appraise.h"
#include "verifier/appraise_internal.h"
#include "verifier/snp_policy.h"

namespace attestd {

void add_snp_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& /*root*/,
                    const AppraisalContext& context) {
  if (bundle.snp_report.empty()) {
    if (has_hardware_report(bundle)) return;  // of another kind
    for (const char* const id : {"snp.signature", "snp.chain", "snp.tcb-binding", "snp.revocation", "snp.policy",
                                 "snp.tcb-minimum", "snp.measurement"}) {
      facts.checks.push_back({id, CheckResult::skipped, "the bundle has no SNP report"});
    }
    return;
  }
  SnpEndorsements endorsements = context.extra_endorsements;
  // A table that cannot be read only means that its certificates are not there.
  std::string table_error;
  if (auto added = add_snp_certificate_table(bundle.snp_certificates, endorsements, context.cache); !added) {
    table_error = "; the host's certificate table is unusable: " + added.error().text();
  }
  take_snp(facts, verify_snp(bundle.snp_report, endorsements, facts.policy.roots, context.at, context.cache),
           table_error);
}

void take_snp(Facts& facts, SnpVerification verification, const std::string& chain_note) {
  facts.snp = std::move(verification);
  for (Check check : facts.snp->checks) {
    if (check.id == "snp.chain" && check.result != CheckResult::pass) check.detail += chain_note;
    facts.checks.push_back(std::move(check));
  }
  for (Check& check : check_snp_policy(*facts.snp, facts.policy)) facts.checks.push_back(std::move(check));
  HardwareView view{.kind = HardwareKind::snp};
  view.good = facts.snp->good();
  view.simulated = facts.snp->simulated;
  view.root_name = facts.snp->root_name;
  if (facts.snp->report) view.report_data = facts.snp->report->report_data;
  facts.hardware = std::move(view);
}

Verdict appraise_snp(const SnpVerification& verification, const Policy* policy) {
  const Policy standard;
  const Policy& used = policy == nullptr ? standard : *policy;
  Facts facts{used};
  facts.snp = verification;
  facts.checks = verification.checks;
  for (Check& check : check_snp_policy(verification, used)) facts.checks.push_back(std::move(check));
  std::string claims = claims_to_json({}, facts);
  Verdict verdict = verdict_from_checks(std::move(facts.checks), std::move(claims));
  verdict.simulated = verification.simulated;
  return verdict;
}

}  // namespace attestd
