// Does this HCL report name the vTPM's attestation key under a hardware report's
// hash? (Whether the hardware report is genuine is verifier/snp.h's and
// verifier/tdx.h's to say; both carry the hash as their report data.)
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/hcl_report.h"
#include "evidence/tpm_attest.h"
#include "verifier/verdict.h"

namespace attestd {

// Of a policy's [azure]: what the runtime data must say. Nothing is demanded by default.
struct AzurePolicy {
  std::set<std::string> vm_ids;     // accepted vmUniqueId, compared without regard to case; empty: any
  std::optional<bool> secure_boot;  // must be so, when given
  std::optional<bool> console;      // "console-enabled"
  std::optional<bool> tpm_persisted;
  [[nodiscard]] bool demands_nothing() const { return vm_ids.empty() && !secure_boot && !console && !tpm_persisted; }
};

struct AzureVerification {
  std::optional<HclReport> report;        // when it parses
  std::optional<HclRuntimeData> runtime;  // when it parses; believe it only if azure.runtime-data passes
  std::string problem;                    // why one of them does not

  [[nodiscard]] bool is(HclReportType type) const { return report && report->type == type; }
  // user-data is `root`, so that the hardware report itself is fresh.
  [[nodiscard]] bool carries(const FixedBytes<64>& root) const;
};
AzureVerification read_azure(ByteView hcl_report);

// azure.runtime-data: the hash of the runtime data is the hardware report's data,
// and the paravisor asked for that report. `td_report_data` is that of the TD quote;
// an SNP report is in the HCL report itself. Skipped for TDX without a quote, since
// a TDREPORT proves something only to the machine that made it.
Check check_azure_runtime_data(const AzureVerification& azure, const std::optional<FixedBytes<64>>& td_report_data);
// azure.ak: `ak`, which signed the vTPM's quote, is the HCLAkPub of the runtime
// data. Null: skipped.
Check check_azure_ak(const AzureVerification& azure, const TpmPublic* ak);
// azure.configuration: the runtime data are as the policy demands.
Check check_azure_configuration(const AzureVerification& azure, const AzurePolicy& policy);

// PEM SubjectPublicKeyInfo. Errors: unsupported (under 2048 bits), crypto.
Result<Bytes> hcl_key_to_pem(const HclKey& key);

// HCLAkPub of the runtime data, likewise. Errors also: not_found.
Result<Bytes> azure_ak_pem(const AzureVerification& azure);

// What the report says, a JSON object.
std::string azure_claims_json(const AzureVerification& azure);

}  // namespace attestd
