#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/text.h"
#include "evidence/event_facts.h"
#include "evidence/statement.h"
#include "evidence/tpm_attest.h"
#include "verifier/policy.h"
#include "verifier/policy_write_internal.h"

namespace attestd {
namespace {

std::optional<EventLog> firmware_log_of(const Bundle& bundle) {
  if (bundle.firmware_event_log.empty()) return std::nullopt;
  auto log = parse_event_log(bundle.firmware_event_log);
  return log ? std::optional(*std::move(log)) : std::nullopt;
}

std::optional<bool> secure_boot_of(const Bundle& bundle) {
  const auto log = firmware_log_of(bundle);
  return log ? decode_event_facts(*log).secure_boot : std::nullopt;
}

// What the bundle seems to show; whether it does is the verification's business.
std::string vtpm_isolation_lines(const Bundle& bundle) {
  if (!bundle.hcl_report.empty()) return "isolation = [\"paravisor\"]   # who must keep the vTPM from the host\n";
  if (!bundle.nitro_document.empty()) return "isolation = [\"nitro\"]   # who must keep the vTPM from the host\n";
  if (!bundle.svsm_manifest.empty()) return "isolation = [\"vmpl\"]   # who must keep the vTPM from the host\n";
  return "# Here the host emulates the TPM and could write any PCR value. This line accepts\n"
         "# that; without \"host\", question 3 stays unknown.\n"
         "isolation = [\"host\", \"vmpl\", \"paravisor\", \"nitro\", \"td\"]\n";
}

std::string vtpm_section(const Bundle& bundle) {
  std::string out = "[vtpm]\n";
  out += vtpm_isolation_lines(bundle);
  if (secure_boot_of(bundle).value_or(false)) {
    out += "secure-boot = true\n";
  } else {
    out += "# secure-boot = true   # the event log does not show that it is on today\n";
  }
  const auto log = firmware_log_of(bundle);
  for (const auto& [bank, values] : bundle.tpm->pcrs) {
    // SHA-1 is broken for collisions; a value pinned in it adds nothing beside a better bank.
    if (bank == HashAlgorithm::sha1 && bundle.tpm->pcrs.size() > 1) continue;
    out += "\n[vtpm.pcrs." + std::string(hash_name(bank)) + "]\n";
    out += "# Pinned blindly: what the registers hold today.\n";
    for (const auto& [index, value] : values) {
      const std::optional<PcrUse> use = use_of_pcr(index, log);
      const bool pinned = use && use->pinned;
      out += pinned ? "" : "# ";
      out += std::to_string(index) + " = \"" + to_hex(value) + "\"";
      out += use ? "   # " + std::string(use->use) + "\n" : "\n";
    }
  }
  return out;
}

bool pins_a_pcr(const Bundle& bundle) {
  if (!bundle.tpm) return false;
  return std::ranges::any_of(bundle.tpm->pcrs, [&](const auto& bank) {
    if (bank.first == HashAlgorithm::sha1 && bundle.tpm->pcrs.size() > 1) return false;
    return std::ranges::any_of(bank.second, [](const auto& value) {
      const auto use = use_of_pcr(value.first, std::nullopt);
      return use && use->pinned;
    });
  });
}

// What is in use today.
std::string cipher_lines(const Statement& statement) {
  std::set<std::string> ciphers;
  std::set<std::string> root_hashes;
  for (const StorageClaim& volume : statement.storage.value_or(std::vector<StorageClaim>())) {
    for (const StorageMapping& mapping : volume.mappings.value_or(std::vector<StorageMapping>())) {
      if (!mapping.cipher.empty()) ciphers.insert(mapping.cipher);
      if (!mapping.root_hash.empty()) root_hashes.insert(to_hex(mapping.root_hash));
    }
  }
  std::string out = "# What they may be encrypted with; left out, with anything that hides something.\n";
  if (ciphers.empty()) ciphers.insert("aes-xts-plain64");
  out += policy_comment("ciphers = [\"" + joined(ciphers, "\", \"") + "\"]");
  if (!root_hashes.empty()) {
    out += policy_comment("root-hashes = [\"" + joined(root_hashes, "\", \"") + "\"]   # of dm-verity");
  }
  return out;
}

std::string claims_sections(const Statement& statement) {
  std::string out = "\n[storage]\n# Where keys of encrypted volumes may come from: broker, vtpm, passphrase.\n";
  out += "# key-origins = [\"broker\", \"vtpm\"]\n";
  out += cipher_lines(statement);
  out += "\n[provisioning]\n";
  if (statement.provisioning && statement.provisioning->agent != "none") {
    out += policy_comment("Today '" + statement.provisioning->agent + "' ran, with datasource '" +
                          statement.provisioning->datasource + "'; list it to accept it.");
  }
  out += "agents = [\"none\"]\n";
  return out;
}

}  // namespace

Result<std::string> make_policy(const Bundle& bundle, std::string_view source_name) {
  if (!has_hardware_report(bundle)) return fail(Errc::not_found, "the bundle has no hardware report to pin");
  std::string hardware;
  for (const auto section :
       {snp_policy_section, tdx_policy_section, azure_policy_section, gcp_policy_section, svsm_policy_section}) {
    ATTESTD_TRY(const std::string written, section(bundle));
    hardware += written;
  }
  ATTESTD_TRY(const Statement statement, parse_statement(bundle.statement));
  const bool boot_chain = pins_a_pcr(bundle);

  std::string out = policy_comment("Pins what a VM showed in " + std::string(source_name) + " at " +
                                   to_rfc3339(std::clamp<std::int64_t>(statement.issued_at, 0, 253402300799)) + ".");
  out += "# Every value is taken on trust from that one look: make sure it was the VM you\n";
  out += "# meant, then keep this file where the VM's host cannot write. Keys are described\n";
  out += "# in attestd-policy(5).\n\n";
  out += "[policy]\nversion = 1\n";
  // A TD's own registers show its boot chain.
  if (boot_chain || (!bundle.td_quote.empty() && bundle.hcl_report.empty())) {
    out += "required = [\"hardware\", \"initial_state\", \"boot_chain\"]   # also: \"storage\", \"provisioning\"\n\n";
  } else {
    out += "# boot_chain is left out: the bundle has no TPM quote with PCRs 0 to 7.\n";
    out += "required = [\"hardware\", \"initial_state\"]   # also: \"boot_chain\", \"storage\", \"provisioning\"\n\n";
  }
  out += hardware;
  if (bundle.tpm) out += vtpm_section(bundle) + "\n";
  ATTESTD_TRY(const std::string nitro, nitro_policy_section(bundle));
  out += nitro;
  out += "[freshness]\nnonce = true\n";
  out += claims_sections(statement);
  out += "\n[trust]\n# Roots beside the vendors', for a simulated VM; verdicts then say so.\n";
  out += "# roots = [\"root.pem\"]         # of hardware\n";
  out += "# vtpm-roots = [\"root.pem\"]    # of certificates of the vTPM's keys\n";
  out += "# nitro-roots = [\"root.pem\"]   # of AWS's attestation documents\n";
  return out;
}

}  // namespace attestd
