// TDX's share of questions 1 to 3.
#include "evidence/ccel.h"
#include "verifier/appraise_internal.h"
#include "verifier/tdx_policy.h"

namespace attestd {
namespace {

void check_secure_boot(AnswerBuilder& answer, const Facts& facts) {
  const auto state = facts.cc_log ? cc_measured_secure_boot(*facts.cc_log) : std::nullopt;
  if (!state) {
    answer.unknown("secure-boot-unknown",
                   "the policy demands Secure Boot, and no log that replays to the quoted RTMR 0 shows it");
  } else if (!*state) {
    answer.no("secure-boot-off", "Secure Boot is off");
  } else {
    answer.yes("secure-boot", "Secure Boot is on");
  }
}

}  // namespace

void judge_tdx_hardware(AnswerBuilder& answer, const Facts& facts) {
  for (const std::string_view id : {"tdx.signature", "tdx.qe", "tdx.chain", "tdx.revocation", "tdx.qe-identity",
                                    "tdx.tcb-info", "tdx.tcb", "tdx.policy"}) {
    demand(answer, facts, id);
  }
}

void describe_tdx_hardware(AnswerBuilder& answer, const Facts& facts) {
  const TdxVerification& tdx = *facts.tdx;
  answer.yes("signed", "a TD quote of version " + std::to_string(tdx.quote->version) +
                           ", signed by Intel's quoting enclave on a platform certified under " + tdx.root_name);
  if (tdx.tcb && tdx.tcb->status != TcbStatus::up_to_date) {
    answer.note("tcb-status", "the platform's TCB is " + std::string(tcb_status_name(tdx.tcb->status)) +
                                  ", which the policy accepts");
  }
  if (facts.policy.tdx.allow_debug && tdx.quote->body.td_attributes.under_debug_group()) {
    answer.note("debug-allowed", "the TD is under debug, which the policy accepts: the host can read its memory");
  }
}

void judge_tdx_initial_state(AnswerBuilder& answer, const Facts& facts) {
  if (facts.policy.tdx.measurements.empty()) {
    answer.unknown("no-reference", "the policy has no reference measurement");
    return;
  }
  if (const ReferenceMeasurement* const reference = find_reference(facts.tdx->quote->body, facts.policy.tdx)) {
    accept_reference(answer, *reference);
  } else {
    demand(answer, facts, "tdx.measurement");
  }
}

bool boots_into_rtmrs(const Facts& facts) {
  return facts.tdx && facts.tdx->quote && (!facts.tpm || !facts.policy.tdx.rtmrs.empty()) && !facts.azure;
}

void judge_rtmrs(AnswerBuilder& answer, const Facts& facts) {
  if (facts.policy.tdx.rtmrs.empty()) {
    answer.unknown("no-reference", "the policy has no RTMR values");
    tolerate(answer, facts, "tdx.rtmrs");
  } else {
    demand(answer, facts, "tdx.rtmrs");
    if (const Check* const check = facts.find("tdx.rtmrs"); check != nullptr && check->result == CheckResult::pass) {
      answer.yes("rtmrs", check->detail);
    }
  }
  if (facts.policy.secure_boot.value_or(false)) check_secure_boot(answer, facts);
  answer.note("rtmrs-td",
              "the boot chain is in the TD's own registers (RTMRs), which the TDX module keeps from the host; no vTPM "
              "is needed for it");
}

}  // namespace attestd
