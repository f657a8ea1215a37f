#include <algorithm>

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "evidence/statement.h"
#include "evidence/tpm_attest.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"

namespace attestd {
namespace {

// What each register is for: TCG PC Client Platform Firmware Profile 1.06
// section 3.3.4 and, from 8 on, the UAPI group's TPM PCR registry.
struct PcrUse {
  unsigned index;
  bool pinned;  // stays the same across boots of an unchanged machine
  std::string_view use;
};
constexpr PcrUse pcr_uses[] = {
    {0, true, "firmware code"},
    {1, true, "firmware configuration; changes with the VM's hardware settings"},
    {2, true, "option ROMs"},
    {3, true, "option ROM configuration"},
    {4, true, "boot loader and kernel; changes with every kernel update"},
    {5, true, "boot loader configuration and partition table"},
    {6, true, "resume events, host-specific"},
    {7, true, "Secure Boot state and certificates"},
    {8, false, "GRUB commands, kernel command line"},
    {9, false, "files that GRUB read, initrds of the EFI stub"},
    {10, false, "IMA: grows with every file that is measured"},
    {11, false, "unified kernel image and boot phases"},
    {12, false, "kernel command line and credentials of systemd-stub"},
    {13, false, "system extensions"},
    {14, false, "MOK certificates of shim"},
    {15, false, "machine ID and mounted file systems of systemd"},
};

const PcrUse* use_of(unsigned index) {
  const auto* const it = std::ranges::find(pcr_uses, index, &PcrUse::index);
  return it == std::ranges::end(pcr_uses) ? nullptr : it;
}

// TOML comments end at the line's end, so nothing from evidence may contain one.
std::string comment(std::string_view text) { return "# " + escape_text(text) + "\n"; }

std::string snp_section(const SnpReport& report, const std::optional<SnpProduct>& product) {
  std::string out = "[snp]\n";
  const auto bit = [&](std::string_view key, bool value, std::string_view why) {
    out += std::string(key) + (value ? " = true   # " : " = false   # ") + std::string(why) + "\n";
  };
  if (report.policy.debug()) out += "# WARNING: this VM lets the host debug it: the host can read all of its memory.\n";
  bit("debug", report.policy.debug(), "may the host read this guest's memory?");
  bit("migration-agent", report.policy.migrate_ma(), "may an agent move it elsewhere?");
  bit("smt", report.policy.smt(), "may it run on hardware threads? As this VM's guest policy says");
  out += "max-vmpl = " + std::to_string(std::min<std::uint32_t>(report.vmpl, 3)) + "\n";
  if (!all_zero(report.host_data)) {
    out += "# Pinned blindly: what the host's owner passed in at launch.\n";
    out += "host-data = [\"" + to_hex(report.host_data) + "\"]\n";
  }
  if (!all_zero(report.id_key_digest)) {
    out += "# Pinned blindly: the key that signed this VM's identity block.\n";
    out += "id-key-digests = [\"" + to_hex(report.id_key_digest) + "\"]\n";
  }
  out += "\n[[snp.measurement]]\n";
  out += "# Pinned blindly: the launch digest that the VM shows today. It says that the\n";
  out += "# firmware does not change, not that it is good. Better: compute it from firmware\n";
  out += "# that you built or were given, and say so in origin (own-firmware,\n";
  out += "# reproducible-build, pre-measured).\n";
  out += "value = \"" + to_hex(report.measurement) + "\"\norigin = \"pinned\"\n";
  if (!product) {
    out += "\n# No TCB minimum: version 2 reports do not name the processor's product, and the\n";
    out += "# bundle has no certificate that does. Add [snp.minimum-tcb.Milan] or the like.\n";
    return out;
  }
  const SnpTcb tcb = decode_snp_tcb(report.reported_tcb, *product);
  out += "\n[snp.minimum-tcb." + std::string(snp_product_name(*product)) + "]\n";
  out += "# Today's firmware versions. Raise them when AMD publishes fixes.\n";
  if (tcb.fmc) out += "fmc = " + std::to_string(*tcb.fmc) + "\n";
  out += "bootloader = " + std::to_string(tcb.bootloader) + "\ntee = " + std::to_string(tcb.tee) +
         "\nsnp = " + std::to_string(tcb.snp) + "\nmicrocode = " + std::to_string(tcb.microcode) + "\n";
  return out;
}

std::optional<bool> secure_boot_of(const Bundle& bundle) {
  if (bundle.firmware_event_log.empty()) return std::nullopt;
  const auto log = parse_event_log(bundle.firmware_event_log);
  return log ? decode_event_facts(*log).secure_boot : std::nullopt;
}

std::string vtpm_section(const Bundle& bundle) {
  std::string out = "[vtpm]\n";
  out += "# On plain SEV-SNP the host emulates the TPM and could write any PCR value. This\n";
  out += "# line accepts that; without \"host\", question 3 stays unknown.\n";
  out += "isolation = [\"host\", \"vmpl\", \"paravisor\", \"nitro\", \"td\"]\n";
  if (secure_boot_of(bundle).value_or(false)) {
    out += "secure-boot = true\n";
  } else {
    out += "# secure-boot = true   # the event log does not show that it is on today\n";
  }
  for (const auto& [bank, values] : bundle.tpm->pcrs) {
    // SHA-1 is broken for collisions; a value pinned in it adds nothing beside a better bank.
    if (bank == HashAlgorithm::sha1 && bundle.tpm->pcrs.size() > 1) continue;
    out += "\n[vtpm.pcrs." + std::string(hash_name(bank)) + "]\n";
    out += "# Pinned blindly: what the registers hold today.\n";
    for (const auto& [index, value] : values) {
      const PcrUse* const use = use_of(index);
      const bool pinned = use != nullptr && use->pinned;
      out += pinned ? "" : "# ";
      out += std::to_string(index) + " = \"" + to_hex(value) + "\"";
      out += use == nullptr ? "\n" : "   # " + std::string(use->use) + "\n";
    }
  }
  return out;
}

bool pins_a_pcr(const Bundle& bundle) {
  if (!bundle.tpm) return false;
  return std::ranges::any_of(bundle.tpm->pcrs, [&](const auto& bank) {
    if (bank.first == HashAlgorithm::sha1 && bundle.tpm->pcrs.size() > 1) return false;
    return std::ranges::any_of(bank.second, [](const auto& value) {
      const PcrUse* const use = use_of(value.first);
      return use != nullptr && use->pinned;
    });
  });
}

std::string claims_sections(const Statement& statement) {
  std::string out = "\n[storage]\n# Where keys of encrypted volumes may come from: broker, vtpm, passphrase.\n";
  out += "# key-origins = [\"broker\", \"vtpm\"]\n";
  out += "\n[provisioning]\n";
  if (statement.provisioning && statement.provisioning->agent != "none") {
    out += comment("Today '" + statement.provisioning->agent + "' ran, with datasource '" +
                   statement.provisioning->datasource + "'; list it to accept it.");
  }
  out += "agents = [\"none\"]\n";
  return out;
}

// The product, where the report or a certificate in the bundle names it.
std::optional<SnpProduct> product_of(const Bundle& bundle, const SnpReport& report) {
  if (const auto product = report.product()) return product;
  SnpEndorsements endorsements;
  if (!add_snp_certificate_table(bundle.snp_certificates, endorsements)) return std::nullopt;
  return verify_snp(bundle.snp_report, endorsements, {}, 0).product;
}

}  // namespace

Result<std::string> make_policy(const Bundle& bundle, std::string_view source_name) {
  if (bundle.snp_report.empty()) return fail(Errc::not_found, "the bundle has no hardware report to pin");
  ATTESTD_TRY(const SnpReport report, parse_snp_report(bundle.snp_report));
  ATTESTD_TRY(const Statement statement, parse_statement(bundle.statement));
  const bool boot_chain = pins_a_pcr(bundle);

  std::string out = comment("Pins what a VM showed in " + std::string(source_name) + " at " +
                            to_rfc3339(std::clamp<std::int64_t>(statement.issued_at, 0, 253402300799)) + ".");
  out += "# Every value is taken on trust from that one look: make sure it was the VM you\n";
  out += "# meant, then keep this file where the VM's host cannot write. Keys are described\n";
  out += "# in attestd-policy(5).\n\n";
  out += "[policy]\nversion = 1\n";
  if (boot_chain) {
    out += "required = [\"hardware\", \"initial_state\", \"boot_chain\"]   # also: \"storage\", \"provisioning\"\n\n";
  } else {
    out += "# boot_chain is left out: the bundle has no TPM quote with PCRs 0 to 7.\n";
    out += "required = [\"hardware\", \"initial_state\"]   # also: \"boot_chain\", \"storage\", \"provisioning\"\n\n";
  }
  out += snp_section(report, product_of(bundle, report)) + "\n";
  if (bundle.tpm) out += vtpm_section(bundle) + "\n";
  out += "[freshness]\nnonce = true\n";
  out += claims_sections(statement);
  out += "\n[trust]\n# Roots beside AMD's, for a simulated VM; verdicts then say so.\n# roots = [\"root.pem\"]\n";
  return out;
}

}  // namespace attestd
