// What `policy init` pins of a TD quote.
#include "base/encoding.h"
#include "evidence/td_quote.h"
#include "verifier/policy_write_internal.h"

namespace attestd {
namespace {

void pin_unless_zero(std::string& out, std::string_view key, ByteView value, std::string_view why) {
  if (all_zero(value)) return;
  out += "# Pinned blindly: " + std::string(why) + "\n" + std::string(key) + " = [\"" + to_hex(value) + "\"]\n";
}

std::string section_of_body(const TdQuoteBody& body, std::string_view vtpm_keeper) {
  std::string out = "[tdx]\n";
  const auto bit = [&](std::string_view key, bool value, std::string_view why) {
    out += std::string(key) + (value ? " = true   # " : " = false   # ") + std::string(why) + "\n";
  };
  const bool debug = body.td_attributes.under_debug_group();
  const bool migratable = body.td_attributes.migratable() || !all_zero(body.mrservicetd);
  if (debug) out += "# WARNING: this TD is under debug: the host can read all of its memory.\n";
  bit("debug", debug, "may the host read this TD's memory?");
  bit("migratable", migratable, "may it be moved elsewhere?");
  bit("sept-ve-disable", body.td_attributes.sept_ve_disable(), "as this TD's attributes say");
  out += "xfam = [\"" + to_hex(Writer().be64(body.xfam).bytes()) + "\"]\n";
  out += "# Which of Intel's TCB statuses are accepted; list others only with their advisories read.\n";
  out += "tcb-status = [\"UpToDate\"]\n";
  out += "# The TDX module; left out, any that Intel's TCB info accepts: it is updated with the host.\n";
  out += "# mrseam = [\"" + to_hex(body.mrseam) + "\"]\n";
  pin_unless_zero(out, "mrconfigid", body.mrconfigid, "what the host's owner passed in at launch.");
  pin_unless_zero(out, "mrowner", body.mrowner, "whose TD this is, as the host's owner says.");
  pin_unless_zero(out, "mrownerconfig", body.mrownerconfig, "what that owner configured.");
  out += "\n[[tdx.measurement]]\n";
  out += "# Pinned blindly: the MRTD that the TD shows today. It says that the firmware does\n";
  out += "# not change, not that it is good. Better: compute it from firmware that you built\n";
  out += "# or were given, and say so in origin (own-firmware, reproducible-build, pre-measured).\n";
  out += "value = \"" + to_hex(body.mrtd) + "\"\norigin = \"pinned\"\n" + vtpm_keeper_line(vtpm_keeper);
  out += "\n[tdx.rtmrs]\n";
  out += "# Pinned blindly: what the registers hold today.\n";
  constexpr std::array<std::string_view, 4> uses{
      "firmware configuration and Secure Boot state", "boot loader; changes with its updates",
      "kernel, command line, initrd; changes with every kernel update", "left to software that runs later"};
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (i == uses.size() - 1) out += "# ";
    out += std::to_string(i) + " = \"" + to_hex(body.rtmrs[i]) + "\"   # " + std::string(uses[i]) + "\n";
  }
  return out + "\n";
}

}  // namespace

Result<std::string> tdx_policy_section(const Bundle& bundle) {
  if (bundle.td_quote.empty()) return std::string();
  ATTESTD_TRY(const TdQuote quote, parse_td_quote(bundle.td_quote));
  return section_of_body(quote.body, bundle.hcl_report.empty() ? "" : "paravisor");
}

}  // namespace attestd
