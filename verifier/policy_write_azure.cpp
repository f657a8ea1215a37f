// What `policy init` pins of Azure's runtime data.
#include "verifier/azure.h"
#include "verifier/policy_write_internal.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"

namespace attestd {
namespace {

std::string runtime_section(const HclRuntimeData& runtime) {
  std::string out = "[azure]\n";
  if (!runtime.vm_unique_id.empty()) {
    out += "# Pinned: this one VM. Without this line any VM under the same paravisor will do.\n";
    out += "vm-ids = [" + toml_text(runtime.vm_unique_id) + "]\n";
  }
  const auto flag = [&](std::string_view key, const std::optional<bool>& value, std::string_view why) {
    if (value) out += std::string(key) + (*value ? " = true   # " : " = false   # ") + std::string(why) + "\n";
  };
  flag("secure-boot", runtime.secure_boot, "does the paravisor enforce Secure Boot? As it says today");
  flag("console", runtime.console_enabled, "does the VM have the host's serial console?");
  flag("tpm-persisted", runtime.tpm_persisted, "does the vTPM's state outlive the VM, in the host's keeping?");
  return out + "\n";
}

}  // namespace

Result<std::string> azure_policy_section(const Bundle& bundle) {
  if (bundle.hcl_report.empty()) return std::string();
  const AzureVerification azure = read_azure(bundle.hcl_report);
  if (!azure.runtime) return fail(Errc::malformed, azure.problem);
  std::string out;
  if (azure.is(HclReportType::snp)) {
    ATTESTD_TRY(const SnpReport report, parse_snp_report(azure.report->hardware_report));
    SnpEndorsements endorsements;
    auto product = report.product();
    if (!product && add_snp_certificates(bundle.certificates, endorsements)) {
      product = verify_snp(azure.report->hardware_report, endorsements, {}, 0).product;
    }
    out += snp_policy_of_report(report, product, "paravisor") + "\n";
  }
  return out + runtime_section(*azure.runtime);
}

}  // namespace attestd
