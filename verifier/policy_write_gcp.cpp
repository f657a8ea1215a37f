// What `policy init` pins of Google's instance identity and of an SVSM's vTPM.
#include "base/encoding.h"
#include "evidence/svsm_manifest.h"
#include "verifier/ak_certificate.h"
#include "verifier/policy_write_internal.h"
#include "verifier/svsm.h"
#include "verifier/verdict.h"

namespace attestd {

Result<std::string> gcp_policy_section(const Bundle& bundle) {
  if (!bundle.tpm || bundle.tpm->ak_certificate.empty()) return std::string();
  // What it says; whether it is genuine is the verification's business.
  const auto instance = gce_instance_of(bundle.tpm->ak_certificate);
  if (!instance || !*instance) return std::string();
  std::string out = "[gcp]\n# Pinned: this one instance. Google certified the vTPM's key for it.\n";
  out += "project-ids = [" + toml_text((*instance)->project_id) + "]\n";
  out += "zones = [" + toml_text((*instance)->zone) + "]\n";
  out += "instance-ids = [\"" + std::to_string((*instance)->instance_id) + "\"]   # " +
         escape_text((*instance)->instance_name) + "\n";
  if ((*instance)->production.value_or(false)) out += "production = true\n";
  return out + "\n";
}

Result<std::string> svsm_policy_section(const Bundle& bundle) {
  if (bundle.svsm_manifest.empty() || !bundle.tpm) return std::string();
  ATTESTD_TRY(const TpmPublic key, svsm_endorsement_key(bundle.svsm_manifest));
  ATTESTD_TRY(const TpmQuote quote, parse_tpm_quote(bundle.tpm->quote));
  std::string out = "[svsm]\n";
  const std::string pinned = "endorsement-keys = [\"" + to_hex(key.name) + "\"]\n";
  if (vtpm_state(quote) == VtpmState::stateful) {
    out += "states = [\"stateful\"]\n# Pinned: this one vTPM.\n" + pinned;
  } else {
    out += "# An ephemeral vTPM makes other keys at each boot: there is nothing to pin.\n";
    out += "states = [\"ephemeral\"]\n# " + pinned;
  }
  return out + "\n";
}

}  // namespace attestd
