// Azure's part of an appraisal: the paravisor's hardware report, which binds the
// vTPM's key, which binds the statement.
#include "verifier/appraise.h"
#include "verifier/appraise_internal.h"
#include "verifier/azure.h"

namespace attestd {
namespace {

constexpr std::string_view binding = "binding.report-data";

// The statement is bound by what the guest put into the runtime data, or else by a
// quote of the vTPM whose key the runtime data name.
Check bind_statement(const Facts& facts, const Result<MerkleHash>& root) {
  const std::string carried = facts.runtime_data ? "the hash of the asker's" : "the root of this statement";
  const Check* const runtime = facts.find("azure.runtime-data");
  if (runtime->result != CheckResult::pass) {
    return {std::string(binding), runtime->result, "azure.runtime-data does not pass: " + runtime->detail};
  }
  if (root && facts.azure->carries(*root)) {
    return {std::string(binding), CheckResult::pass,
            "the report's data are the hash of runtime data that carry " + carried};
  }
  for (const std::string_view id : {"azure.ak", "tpm.signature", "tpm.extra-data"}) {
    const Check* const check = facts.find(id);
    if (check->result != CheckResult::pass) {
      return {
          std::string(binding), check->result,
          "the runtime data do not carry " + carried + ", and " + std::string(id) + " does not pass: " + check->detail};
    }
  }
  return {std::string(binding), CheckResult::pass,
          "the vTPM's quote carries " + carried + ", by the key that the report's runtime data name"};
}

// Without a statement the quote brings no key of its own: add_tpm_checks() took this one.
Check check_ak(const Facts& facts) {
  if (!facts.runtime_data || !facts.tpm) {
    return check_azure_ak(*facts.azure, facts.tpm && facts.tpm->ak ? &*facts.tpm->ak : nullptr);
  }
  if (const auto key = azure_ak_pem(*facts.azure); !key) return {"azure.ak", CheckResult::fail, key.error().text()};
  return {"azure.ak", CheckResult::pass, "the quote is verified by the HCLAkPub of the runtime data, and no other key"};
}

// The vTPM's quote, by the key that the runtime data name.
void add_quote_checks(Facts& facts, const AzureEvidence& evidence) {
  const auto pem = azure_ak_pem(*facts.azure);
  if (!pem) {
    facts.checks.push_back({"azure.ak", CheckResult::fail, pem.error().text()});
    return;
  }
  TpmInput input;
  input.quote = evidence.tpm_quote;
  input.signature = evidence.tpm_signature;
  input.ak = *pem;
  input.expected_extra_data = evidence.expected_extra_data;
  for (Check& check : verify_tpm(input).checks) {
    if (check.id == "tpm.signature" || check.id == "tpm.extra-data") facts.checks.push_back(std::move(check));
  }
}

}  // namespace

void add_azure_hardware_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& /*root*/,
                               const AppraisalContext& context) {
  if (bundle.hcl_report.empty()) return;
  facts.azure = read_azure(bundle.hcl_report);
  if (!facts.azure->is(HclReportType::snp)) return;  // the TD quote is a part of its own
  SnpEndorsements endorsements = context.extra_endorsements;
  std::string unusable;
  if (!bundle.certificates.empty()) {
    if (auto added = add_snp_certificates(bundle.certificates, endorsements); !added) {
      unusable = "; the metadata service's certificates are unusable: " + added.error().text();
    }
  }
  take_snp(
      facts,
      verify_snp(facts.azure->report->hardware_report, endorsements, facts.policy.roots, context.at, context.cache),
      unusable);
}

void add_azure_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                      const AppraisalContext& /*context*/) {
  if (!facts.azure) {
    if (facts.policy.azure.demands_nothing()) return;
    facts.checks.push_back(
        {"azure.configuration", CheckResult::skipped,
         "the bundle has no HCL report, whose runtime data would say what the policy's [azure] demands"});
    return;
  }
  if (facts.azure->is(HclReportType::snp) && !bundle.td_quote.empty()) {
    facts.report_data_binding = {std::string(binding), CheckResult::fail,
                                 "the bundle has a TD quote and a paravisor's SNP report"};
  }
  std::optional<FixedBytes<64>> td_report_data;
  if (facts.hardware && facts.hardware->kind == HardwareKind::tdx) td_report_data = facts.hardware->report_data;
  facts.checks.push_back(check_azure_runtime_data(*facts.azure, td_report_data));
  facts.checks.push_back(check_ak(facts));
  facts.checks.push_back(check_azure_configuration(*facts.azure, facts.policy.azure));
  if (!facts.report_data_binding) facts.report_data_binding = bind_statement(facts, root);
  facts.azure_root_in_hardware = root && facts.azure->carries(*root) && facts.passed("azure.runtime-data");
  // Whose vTPM has this key? The runtime data's author's: it is a paravisor when the
  // hardware says that code which is expected there asked for the report.
  if (facts.hardware && facts.hardware->good && facts.passed("azure.runtime-data") && facts.passed("azure.ak") &&
      measured_vtpm(facts) == "paravisor") {
    facts.isolation = "paravisor";
  }
}

Verdict appraise_azure(const AzureEvidence& evidence, const Policy& policy, std::int64_t at) {
  Facts facts{policy};
  facts.azure = read_azure(evidence.hcl_report);
  if (facts.azure->is(HclReportType::snp)) {
    take_snp(facts, verify_snp(facts.azure->report->hardware_report, evidence.endorsements, policy.roots, at), "");
  }
  std::optional<FixedBytes<64>> td_report_data;
  if (facts.azure->is(HclReportType::tdx) && !evidence.td_quote.empty()) {
    take_tdx(facts, verify_tdx(evidence.td_quote, evidence.tdx_collateral, policy.roots, at), {});
    td_report_data = facts.hardware->report_data;
  }
  facts.checks.push_back(check_azure_runtime_data(*facts.azure, td_report_data));
  facts.checks.push_back(check_azure_configuration(*facts.azure, policy.azure));
  if (!evidence.tpm_quote.empty()) add_quote_checks(facts, evidence);
  std::string claims = claims_to_json({}, facts);
  Verdict verdict = verdict_from_checks(std::move(facts.checks), std::move(claims));
  verdict.simulated = facts.hardware && facts.hardware->simulated;
  return verdict;
}

void judge_azure(AnswerBuilder& answer, const Facts& facts) {
  demand(answer, facts, "azure.runtime-data");
  tolerate(answer, facts, "azure.ak");
}

void describe_azure(AnswerBuilder& answer, const Facts& facts) {
  if (facts.azure_root_in_hardware) {
    answer.note("fresh-by-hardware", "the hardware report was made for " + std::string(facts.bound()) +
                                         (facts.runtime_data ? ", whose hash" : ", whose root") +
                                         " the paravisor's runtime data carry");
  } else {
    answer.note("fresh-by-vtpm", "the paravisor's hardware report was not made for " + std::string(facts.bound()) +
                                     ": its freshness is the vTPM's, whose key the report names");
  }
}

}  // namespace attestd
