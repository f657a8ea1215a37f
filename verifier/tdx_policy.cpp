#include "verifier/tdx_policy.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "base/text.h"
#include "evidence/ccel.h"

namespace attestd {
namespace {

Bytes big_endian(std::uint64_t value) { return Writer().be64(value).take(); }

void check_listed(std::vector<std::string>& faults, std::string_view name, const std::vector<Bytes>& accepted,
                  ByteView value) {
  if (accepted.empty() || any_equal(accepted, value)) return;
  faults.push_back(std::string(name) + " is " + to_hex(value) + ", which the policy does not list");
}

Check check_attributes(const TdQuoteBody& body, const TdxPolicy& policy) {
  std::vector<std::string> faults;
  const TdAttributes& attributes = body.td_attributes;
  if (attributes.under_debug_group() && !policy.allow_debug) {
    faults.emplace_back("the TD is under debug, so the host can read and write its memory");
  }
  if (attributes.migratable() && !policy.allow_migration) {
    faults.emplace_back("the TD is migratable, so it can be moved elsewhere");
  }
  if (!all_zero(body.mrservicetd) && !policy.allow_migration) {
    faults.push_back("a service TD is bound to it (MRSERVICETD " + to_hex(body.mrservicetd) + ")");
  }
  if (policy.sept_ve_disable && *policy.sept_ve_disable != attributes.sept_ve_disable()) {
    faults.emplace_back(attributes.sept_ve_disable() ? "SEPT_VE_DISABLE is set, the policy demands otherwise"
                                                     : "SEPT_VE_DISABLE is not set");
  }
  check_listed(faults, "XFAM", policy.xfam, big_endian(body.xfam));
  check_listed(faults, "MRSEAM", policy.mrseam, body.mrseam);
  check_listed(faults, "MRCONFIGID", policy.mrconfigid, body.mrconfigid);
  check_listed(faults, "MROWNER", policy.mrowner, body.mrowner);
  check_listed(faults, "MROWNERCONFIG", policy.mrownerconfig, body.mrownerconfig);
  const std::string found = "attributes " + hex_number(attributes.raw) + ", XFAM " + hex_number(body.xfam);
  if (!faults.empty()) return {"tdx.policy", CheckResult::fail, joined(faults, "; ") + " (" + found + ")"};
  return {"tdx.policy", CheckResult::pass, found};
}

Check check_tcb(const TdxVerification& verification, const TdxPolicy& policy) {
  const std::string id = "tdx.tcb";
  if (!verification.tcb_problem.empty()) return {id, CheckResult::fail, verification.tcb_problem};
  if (!verification.tcb) {
    const bool failed = std::ranges::any_of(verification.checks, [](const Check& check) {
      return (check.id == "tdx.tcb-info" || check.id == "tdx.qe-identity") && check.result == CheckResult::fail;
    });
    return {id, failed ? CheckResult::fail : CheckResult::skipped,
            "the TCB cannot be determined without a TCB info and a QE identity that pass"};
  }
  const TdxTcb& tcb = *verification.tcb;
  const std::string status(tcb_status_name(tcb.status));
  std::string text = "the TCB is " + status + " (platform " + std::string(tcb_status_name(tcb.platform)) +
                     (tcb.module ? ", TDX module " + std::string(tcb_status_name(*tcb.module)) : std::string()) +
                     ", QE " + std::string(tcb_status_name(tcb.qe)) + ")";
  if (tcb.after_relaunch) text += "; relaunched, this TD would be " + std::string(tcb_status_name(*tcb.after_relaunch));
  if (!tcb.advisories.empty()) text += "; advisories: " + joined(tcb.advisories);
  // What Intel revoked no policy accepts.
  if (tcb.status == TcbStatus::revoked) return {id, CheckResult::fail, text};
  if (!policy.tcb_statuses.contains(status)) {
    return {id, CheckResult::fail, text + "; the policy does not accept that"};
  }
  return {id, CheckResult::pass, text};
}

Check check_measurement(const TdQuoteBody& body, const TdxPolicy& policy) {
  const std::string id = "tdx.measurement";
  if (policy.measurements.empty()) return {id, CheckResult::skipped, "the policy has no reference measurement"};
  const ReferenceMeasurement* const reference = find_reference(body, policy);
  if (reference == nullptr) {
    return {id, CheckResult::fail, "MRTD is " + to_hex(body.mrtd) + ", which the policy does not list"};
  }
  return {id, CheckResult::pass, "MRTD equals a reference (" + std::string(origin_name(reference->origin)) + ")"};
}

// The quote's RTMRs that `log` accounts for differ; nothing when they are equal.
// RTMR 3 is left to software that runs later: it counts only when the log has events of it.
std::optional<std::string> differing_rtmr(const TdQuoteBody& body, const EventLog& log) {
  constexpr unsigned software_register = 3;
  const Rtmrs replayed = replay_rtmrs(log);
  for (unsigned i = 0; i < replayed.size(); ++i) {
    if (i == software_register && all_zero(replayed[i])) continue;
    if (constant_time_equal(replayed[i], body.rtmrs[i])) continue;
    return "RTMR " + std::to_string(i) + " is " + to_hex(body.rtmrs[i]) + ", the CC event log replays to " +
           to_hex(replayed[i]);
  }
  return std::nullopt;
}

Check check_rtmrs(const TdQuoteBody& body, const TdxPolicy& policy, ByteView cc_event_log) {
  const std::string id = "tdx.rtmrs";
  if (policy.rtmrs.empty() && cc_event_log.empty()) {
    return {id, CheckResult::skipped, "there are neither RTMR values of a policy nor a CC event log"};
  }
  std::vector<std::string> good;
  if (!cc_event_log.empty()) {
    const auto log = parse_cc_event_log(cc_event_log);
    if (!log) return {id, CheckResult::fail, "the CC event log does not parse: " + log.error().text()};
    if (auto difference = differing_rtmr(body, *log)) return {id, CheckResult::fail, *std::move(difference)};
    good.emplace_back("the CC event log replays to the quoted registers");
  }
  std::string indices;
  for (const auto& [index, value] : policy.rtmrs) {
    if (index >= body.rtmrs.size() || !constant_time_equal(body.rtmrs[index], value)) {
      return {id, CheckResult::fail,
              "RTMR " + std::to_string(index) + " is " +
                  (index < body.rtmrs.size() ? to_hex(body.rtmrs[index]) : std::string("not there")) +
                  ", the policy demands " + to_hex(value)};
    }
    indices += (indices.empty() ? "" : ", ") + std::to_string(index);
  }
  if (!indices.empty()) good.push_back("these RTMRs are the policy's: " + indices);
  return {id, CheckResult::pass, joined(good, "; ")};
}

}  // namespace

const ReferenceMeasurement* find_reference(const TdQuoteBody& body, const TdxPolicy& policy) {
  return find_reference(policy.measurements, body.mrtd);
}

std::vector<Check> check_tdx_policy(const TdxVerification& verification, const TdxPolicy& policy,
                                    ByteView cc_event_log) {
  if (!verification.quote) {
    std::vector<Check> out;
    for (const char* const id : {"tdx.tcb", "tdx.policy", "tdx.measurement", "tdx.rtmrs"}) {
      out.push_back({id, CheckResult::skipped, "there is no readable quote"});
    }
    return out;
  }
  const TdQuoteBody& body = verification.quote->body;
  return {check_tcb(verification, policy), check_attributes(body, policy), check_measurement(body, policy),
          check_rtmrs(body, policy, cc_event_log)};
}

}  // namespace attestd
