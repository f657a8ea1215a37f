#include "base/encoding.h"
#include "base/text.h"
#include "verifier/policy.h"

namespace attestd {
namespace {

template <class Range>
std::string listed(const Range& names) {
  return std::ranges::empty(names) ? "nothing" : joined(names);
}

std::string explain_hardware(const Policy& policy) {
  std::string out = "1  Hardware\n";
  out += "   The report is signed by a " + listed(policy.snp_signers) + " under AMD's root";
  out += policy.roots.named.empty()
             ? ".\n"
             : " or one of " + std::to_string(policy.roots.named.size()) + " named roots (then: simulated).\n";
  out += policy.snp_allow_debug ? "   Debugging may be allowed: the host could read the guest's memory.\n"
                                : "   Debugging is not allowed.\n";
  out += policy.snp_allow_migration_agent ? "   A migration agent may be allowed.\n"
                                          : "   A migration agent is not allowed.\n";
  if (policy.snp_smt) out += *policy.snp_smt ? "   SMT is allowed.\n" : "   SMT is not allowed.\n";
  if (policy.snp_single_socket) {
    out += *policy.snp_single_socket ? "   The guest is bound to one socket.\n"
                                     : "   The guest is not bound to one socket.\n";
  }
  out += "   The report was asked for at VMPL " + std::to_string(policy.snp_max_vmpl) + " or more privileged.\n";
  for (const Bytes& value : policy.snp_host_data) out += "   Host data may be " + to_hex(value) + ".\n";
  for (const Bytes& value : policy.snp_id_key_digests) out += "   The ID key may be " + to_hex(value) + ".\n";
  for (const auto& [product, tcb] : policy.snp_minimum_tcb) {
    out += "   On " + std::string(snp_product_name(product)) + " the TCB is at least bootloader " +
           std::to_string(tcb.bootloader) + ", tee " + std::to_string(tcb.tee) + ", snp " + std::to_string(tcb.snp) +
           ", microcode " + std::to_string(tcb.microcode) +
           (tcb.fmc ? ", fmc " + std::to_string(*tcb.fmc) : std::string()) + ".\n";
  }
  if (policy.snp_minimum_tcb.empty()) out += "   There is no TCB minimum: firmware with known faults passes.\n";
  out += policy.snp_require_crl ? "   A revocation list must be given.\n"
                                : "   A revocation list is checked when it is given.\n";
  return out;
}

std::string explain_azure(const AzurePolicy& azure) {
  if (azure.demands_nothing()) return {};
  std::string out = "   On Azure, the paravisor's runtime data say:\n";
  if (!azure.vm_ids.empty()) out += "     the VM is one of: " + escape_text(listed(azure.vm_ids)) + ".\n";
  const auto say = [&](std::string_view what, const std::optional<bool>& value) {
    if (value) out += "     " + std::string(what) + (*value ? ": yes.\n" : ": no.\n");
  };
  say("Secure Boot is enforced", azure.secure_boot);
  say("the VM has a serial console", azure.console);
  say("the vTPM's state is persisted", azure.tpm_persisted);
  return out;
}

std::string explain_gcp(const GcpPolicy& gcp) {
  if (gcp.demands_nothing()) return {};
  std::string out = "   Google certified the vTPM's key for an instance";
  const auto say = [&](std::string_view what, const std::set<std::string>& values) {
    if (!values.empty()) out += "\n     whose " + std::string(what) + " is one of: " + escape_text(listed(values));
  };
  say("project", gcp.project_ids);
  say("project number", gcp.project_numbers);
  say("number", gcp.instance_ids);
  say("name", gcp.instance_names);
  say("zone", gcp.zones);
  if (gcp.production) out += *gcp.production ? "\n     in production" : "\n     that is not in production";
  return out + ".\n";
}

std::string explain_svsm(const SvsmPolicy& svsm) {
  std::string out;
  if (!svsm.states.empty()) out += "   The SVSM's vTPM is " + listed(svsm.states) + ".\n";
  for (const Bytes& name : svsm.endorsement_keys) out += "   Its endorsement key may be " + to_hex(name) + ".\n";
  return out;
}

std::string explain_vtpm_roots(const TrustRoots& roots) {
  std::string out;
  const auto say = [&out](std::size_t count, std::string_view what) {
    if (count > 0)
      out +=
          "   " + std::to_string(count) + " named roots may vouch for " + std::string(what) + " (then: simulated).\n";
  };
  say(roots.vtpm.size(), "keys of the vTPM");
  say(roots.nitro.size(), "attestation documents of AWS's");
  return out;
}

std::string explain_host_proof(const Policy& policy) {
  if (policy.host_proof_cache_s == 0) return {};
  return "   ssh may be told the host keys of evidence that is up to " + std::to_string(policy.host_proof_cache_s) +
         " s old by the client's clock.\n";
}

std::string explain_freshness(const Policy& policy) {
  if (policy.require_nonce) return "   The statement carries the asker's nonce.\n";
  return "   The statement carries the asker's nonce, or is at most " +
         std::to_string(policy.maximal_age_s.value_or(0)) + " s old by the guest's clock, which the host controls.\n";
}

std::string explain_boot_chain(const Policy& policy) {
  std::string out = "3  Boot chain\n";
  out += "   Who runs the vTPM is one of: " + listed(policy.vtpm_isolation) + ".\n";
  if (policy.vtpm_isolation.contains("host")) {
    out += "   \"host\" is among them: the host could write any PCR value, and the policy accepts that.\n";
  }
  out += explain_gcp(policy.gcp) + explain_svsm(policy.svsm) + explain_vtpm_roots(policy.roots);
  for (const auto& [bank, values] : policy.pcrs) {
    for (const auto& [index, value] : values) {
      out += "   PCR " + std::to_string(index) + " (" + std::string(hash_name(bank)) + ") is " + to_hex(value) + ".\n";
    }
  }
  if (!policy.nitro_modules.empty()) {
    out += "   An attestation document of AWS's is of one of: " + escape_text(listed(policy.nitro_modules)) + ".\n";
  }
  out += explain_tdx_boot_chain(policy.tdx);
  if (policy.pcrs.empty() && policy.tdx.rtmrs.empty())
    out += "   No PCR value is given, so the answer is never more than unknown.\n";
  if (policy.secure_boot.value_or(false))
    out += "   The event log shows Secure Boot on, and replays to the quoted PCR 7.\n";
  return out;
}

}  // namespace

std::string explain_policy(const Policy& policy) {
  std::string out =
      "Trusted needs a yes to: " + joined(std::views::transform(policy.required, question_name)) + ".\n\n";
  out += explain_hardware(policy) + explain_tdx_hardware(policy.tdx) + explain_azure(policy.azure) +
         explain_freshness(policy) + explain_host_proof(policy);
  out += "\n2  Initial state\n";
  for (const ReferenceMeasurement& reference : policy.snp_measurements) {
    out += "   The launch digest may be " + to_hex(reference.value) + " (" +
           std::string(origin_name(reference.origin)) +
           (reference.comment.empty() ? "" : "; " + escape_text(reference.comment)) + ").\n";
  }
  out += explain_tdx_initial_state(policy.tdx);
  if (policy.snp_measurements.empty() && policy.tdx.measurements.empty())
    out += "   No reference is given, so the answer is never more than unknown.\n";
  out += "\n" + explain_boot_chain(policy);
  out += "\n4  Storage\n   Every volume is under dm-verity, or encrypted or integrity-protected with a key from: ";
  out +=
      policy.storage_key_origins.empty() ? std::string("broker, vtpm, passphrase") : listed(policy.storage_key_origins);
  out += ".\n   Its cipher is " +
         (policy.storage_ciphers.empty() ? std::string("any that hides something")
                                         : "one of: " + escape_text(listed(policy.storage_ciphers))) +
         ", by the kernel's own table.\n";
  for (const Bytes& hash : policy.storage_root_hashes)
    out += "   A root hash of dm-verity may be " + to_hex(hash) + ".\n";
  out += "\n5  Provisioning\n   The agent is one of: " + escape_text(listed(policy.provisioning_agents)) + ".\n";
  return out;
}

}  // namespace attestd
