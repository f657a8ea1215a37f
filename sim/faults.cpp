#include "sim/faults.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace attestd::sim {
namespace {

constexpr auto faults = std::to_array<FaultHelp>({
    {"busy", "N|P%", "the next N requests, or P percent of all, fail with EBUSY"},
    {"throttled", "N", "the host puts off the next N requests"},
    {"race", "N", "during the next N reports another writer changes the configfs-tsm entry"},
    {"would-block", "N", "the next N reads of a fresh outblob fail with EWOULDBLOCK"},
    {"wipe-key", "[N]", "the driver's key is wiped, after N more requests if given"},
    {"firmware", "STATUS", "every request fails with this status of the firmware"},
    {"slow", "MS", "each request takes MS milliseconds"},
    {"no-certificates", "", "the host gives no certificate table"},
    {"metadata", "KIND",
     "Azure: answers that are foreign, other-td, absent, garbage, huge, silent, redirect or busy; none ends it"},
    {"nitro", "KIND", "AWS: documents with the fault enclave, pcrs or nonce, or none at all: refuse; none ends it"},
    {"manifest", "", "SVSM: the manifest has another vTPM's key, until clear"},
    {"no-answer", "", "tdx: the quoting service gives no quotes"},
    {"other-td", "", "tdx: the host gives quotes of another TD"},
    {"other-nonce", "", "tdx: the host gives old quotes"},
    {"ccel", "", "tdx: the host changes the CC event log"},
    {"clear", "", "no faults from now on; a wiped key is restored, as by a reboot"},
});

constexpr unsigned most = 1000000;

Result<unsigned> number(std::string_view text, std::string_view fault) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    return fail(Errc::usage, "fault " + std::string(fault) + " takes a number from 0 to " + std::to_string(most));
  }
  return value;
}

Result<std::string> apply_busy(Psp& psp, std::string_view argument) {
  PspFaults now = psp.faults();
  if (argument.ends_with('%')) {
    ATTESTD_TRY(const unsigned percent, number(argument.substr(0, argument.size() - 1), "busy"));
    if (percent > 100) return fail(Errc::usage, "fault busy takes at most 100%");
    now.busy_probability = percent / 100.0;
    psp.set_faults(now);
    return std::to_string(percent) + " percent of all requests fail with EBUSY";
  }
  ATTESTD_TRY(now.busy, number(argument, "busy"));
  psp.set_faults(now);
  return "the next " + std::to_string(now.busy) + " requests fail with EBUSY";
}

}  // namespace

std::span<const FaultHelp> fault_help() { return faults; }

Result<std::string> apply_fault(Psp& psp, TsmModel* tree, std::string_view name, std::string_view argument) {
  PspFaults now = psp.faults();
  if (tree == nullptr && (name == "race" || name == "would-block")) {
    return fail(Errc::usage, "this platform has no configfs-tsm for fault " + std::string(name));
  }
  if (name == "busy") return apply_busy(psp, argument);
  if (name == "throttled") {
    ATTESTD_TRY(now.throttled, number(argument, name));
    psp.set_faults(now);
    return "the host puts off the next " + std::to_string(now.throttled) + " requests";
  }
  if (name == "race") {
    ATTESTD_TRY(const unsigned count, number(argument, name));
    tree->set_race(count);
    return "another writer interferes with the next " + std::to_string(count) + " reports";
  }
  if (name == "would-block") {
    ATTESTD_TRY(const unsigned count, number(argument, name));
    tree->set_would_block(count);
    return "the next " + std::to_string(count) + " reads of a fresh outblob fail with EWOULDBLOCK";
  }
  if (name == "wipe-key") {
    ATTESTD_TRY(now.wipe_key_after, number(argument.empty() ? "0" : argument, name));
    psp.set_faults(now);
    return "the key is wiped after " + std::to_string(*now.wipe_key_after) + " more requests";
  }
  if (name == "firmware") {
    ATTESTD_TRY(now.firmware_status, number(argument, name));
    psp.set_faults(now);
    return "every request fails with firmware status " + std::to_string(*now.firmware_status);
  }
  if (name == "slow") {
    ATTESTD_TRY(const unsigned milliseconds, number(argument, name));
    psp.set_request_time(std::chrono::milliseconds(milliseconds));
    return "each request takes " + std::to_string(milliseconds) + " ms";
  }
  if (name == "no-certificates") {
    now.no_certificates = true;
    psp.set_faults(now);
    return "the host gives no certificates";
  }
  if (name == "clear") {
    psp.set_faults({});
    psp.restore_key();
    if (tree != nullptr) {
      tree->set_race(0);
      tree->set_would_block(0);
    }
    return "no faults";
  }
  return fail(Errc::usage, "no such fault; there are " + joined(std::views::transform(faults, &FaultHelp::name)));
}

}  // namespace attestd::sim
