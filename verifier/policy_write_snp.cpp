// What `policy init` pins of a SEV-SNP report.
#include <algorithm>

#include "base/encoding.h"
#include "verifier/policy_write_internal.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"

namespace attestd {
namespace {

// The product, where the report or a certificate in the bundle names it.
std::optional<SnpProduct> product_of(const Bundle& bundle, const SnpReport& report) {
  if (const auto product = report.product()) return product;
  SnpEndorsements endorsements;
  if (!add_snp_certificate_table(bundle.snp_certificates, endorsements)) return std::nullopt;
  return verify_snp(bundle.snp_report, endorsements, {}, 0).product;
}

}  // namespace

std::string vtpm_keeper_line(std::string_view vtpm_keeper) {
  if (vtpm_keeper.empty()) return {};
  const std::string_view name = vtpm_keeper == "vmpl" ? "an SVSM" : "a paravisor";
  return "# Believed blindly: what was measured has " + std::string(name) + " that keeps the vTPM from the host.\n" +
         "vtpm = \"" + std::string(vtpm_keeper) + "\"\n";
}

std::string snp_policy_of_report(const SnpReport& report, const std::optional<SnpProduct>& product,
                                 std::string_view vtpm_keeper) {
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
  out += "value = \"" + to_hex(report.measurement) + "\"\norigin = \"pinned\"\n" + vtpm_keeper_line(vtpm_keeper);
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

Result<std::string> snp_policy_section(const Bundle& bundle) {
  if (bundle.snp_report.empty()) return std::string();
  ATTESTD_TRY(const SnpReport report, parse_snp_report(bundle.snp_report));
  const std::string_view vtpm_keeper = bundle.svsm_manifest.empty() ? "" : "vmpl";
  return snp_policy_of_report(report, product_of(bundle, report), vtpm_keeper) + "\n";
}

std::string policy_comment(std::string_view text) { return "# " + escape_text(text) + "\n"; }

std::string toml_text(std::string_view text) {
  std::string out;
  for (const char c : escape_text(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return "\"" + out + "\"";
}

}  // namespace attestd
