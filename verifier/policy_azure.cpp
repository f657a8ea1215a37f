#include "verifier/policy_internal.h"

namespace attestd {

Result<void> read_azure_policy(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("azure"));
  if (!section) return {};
  ATTESTD_TRY(const auto vm_ids, section->strings("vm-ids"));
  if (vm_ids) policy.azure.vm_ids = std::set<std::string>(vm_ids->begin(), vm_ids->end());
  ATTESTD_TRY(policy.azure.secure_boot, section->boolean("secure-boot"));
  ATTESTD_TRY(policy.azure.console, section->boolean("console"));
  ATTESTD_TRY(policy.azure.tpm_persisted, section->boolean("tpm-persisted"));
  return section->finish();
}

}  // namespace attestd
