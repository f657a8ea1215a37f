// [tdx] in sentences.
#include "base/encoding.h"
#include "base/text.h"
#include "verifier/tdx_policy.h"
#include "verifier/verdict.h"

namespace attestd {
namespace {

std::string line(std::string_view text) { return "   " + std::string(text) + "\n"; }

}  // namespace

std::string explain_tdx_hardware(const TdxPolicy& policy) {
  std::string out = line("On TDX, the quote is by Intel's quoting enclave, and collateral of Intel's is given:");
  const auto also = [&out](std::string_view text) { out += line("  " + std::string(text)); };
  also("the TCB is one of: " + (policy.tcb_statuses.empty() ? "nothing" : joined(policy.tcb_statuses)) + ".");
  also(policy.allow_debug ? "the TD may be under debug: the host could read its memory."
                          : "the TD is not under debug.");
  also(policy.allow_migration ? "the TD may be migratable."
                              : "the TD is not migratable, and no service TD is bound to it.");
  if (policy.sept_ve_disable) {
    also(*policy.sept_ve_disable ? "SEPT_VE_DISABLE is set." : "SEPT_VE_DISABLE is not set.");
  }
  const std::pair<std::string_view, const std::vector<Bytes>*> lists[] = {{"XFAM", &policy.xfam},
                                                                          {"MRSEAM", &policy.mrseam},
                                                                          {"MRCONFIGID", &policy.mrconfigid},
                                                                          {"MROWNER", &policy.mrowner},
                                                                          {"MROWNERCONFIG", &policy.mrownerconfig}};
  for (const auto& [name, values] : lists) {
    for (const Bytes& value : *values) also(std::string(name) + " may be " + to_hex(value) + ".");
  }
  return out;
}

std::string explain_tdx_initial_state(const TdxPolicy& policy) {
  std::string out;
  for (const ReferenceMeasurement& reference : policy.measurements) {
    out += line("MRTD may be " + to_hex(reference.value) + " (" + std::string(origin_name(reference.origin)) +
                (reference.comment.empty() ? "" : "; " + escape_text(reference.comment)) + ").");
  }
  return out;
}

std::string explain_tdx_boot_chain(const TdxPolicy& policy) {
  std::string out;
  for (const auto& [index, value] : policy.rtmrs) {
    out += line("RTMR " + std::to_string(index) + " is " + to_hex(value) + ".");
  }
  if (!out.empty()) out += line("Where the bundle has a CC event log, it replays to the quoted RTMRs.");
  return out;
}

}  // namespace attestd
