// The vTPM's part of an appraisal, the same on every platform.
#include "base/encoding.h"
#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

// The hardware report vouches for the one key whose name is in the statement.
void bind_ak(Check& check, const Facts& facts) {
  if (facts.runtime_data) {
    // Its key came from the paravisor's runtime data, or from nowhere.
    check.result = facts.azure ? CheckResult::pass : CheckResult::skipped;
    check.detail = facts.azure ? "the attestation key is the HCLAkPub of the paravisor's runtime data"
                               : "nothing ties the attestation key to the hardware";
    return;
  }
  if (check.result != CheckResult::pass) return;
  if (!facts.statement || facts.statement->ak_name.empty()) {
    check.result = CheckResult::fail;
    check.detail = "the statement names no attestation key";
  } else if (!facts.tpm->ak || !constant_time_equal(facts.tpm->ak->name, facts.statement->ak_name)) {
    check.result = CheckResult::fail;
    check.detail = "the quote's key is not the one that the statement names, " + to_hex(facts.statement->ak_name);
  } else {
    check.detail += "; the statement names it";
  }
}

}  // namespace

void add_tpm_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                    const AppraisalContext& context) {
  if (!bundle.tpm) {
    for (const char* const id : {"tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs", "tpm.eventlog"}) {
      facts.checks.push_back({id, CheckResult::skipped, "the bundle has no TPM quote"});
    }
    return;
  }
  TpmInput input;
  input.quote = bundle.tpm->quote;
  input.signature = bundle.tpm->signature;
  input.ak = bundle.tpm->ak_public;
  input.pcrs = bundle.tpm->pcrs;
  input.firmware_event_log = bundle.firmware_event_log;
  input.userspace_event_log = bundle.userspace_event_log;
  Bytes paravisor_key;
  if (facts.runtime_data) {
    if (!context.qualifying_data.empty()) input.expected_extra_data = context.qualifying_data;
    if (facts.azure) {
      paravisor_key = azure_ak_pem(*facts.azure).value_or(Bytes());
      input.ak = paravisor_key;
    }
  } else if (root) {
    input.expected_extra_data = quote_qualifying_data(*root);
  }
  input.cache = context.cache;
  facts.tpm = verify_tpm(input);
  for (Check check : facts.tpm->checks) {
    if (check.id == "tpm.ak") bind_ak(check, facts);
    facts.checks.push_back(std::move(check));
  }
}

}  // namespace attestd
