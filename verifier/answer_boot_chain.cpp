#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

constexpr unsigned secure_boot_pcr = 7;

void compare_pcrs(AnswerBuilder& answer, const Facts& facts) {
  std::string good;
  for (const auto& [bank, expected] : facts.policy.pcrs) {
    const auto quoted_bank = facts.tpm->pcrs->find(bank);
    for (const auto& [index, value] : expected) {
      const std::string name = "PCR " + std::to_string(index) + " (" + std::string(hash_name(bank)) + ")";
      const Bytes* quoted = nullptr;
      if (quoted_bank != facts.tpm->pcrs->end()) {
        const auto it = quoted_bank->second.find(index);
        if (it != quoted_bank->second.end()) quoted = &it->second;
      }
      if (quoted == nullptr) {
        answer.unknown("pcr-missing", name + " is not in the quote, and the policy demands a value");
      } else if (!constant_time_equal(*quoted, value)) {
        answer.no("pcr-mismatch", name + " is " + to_hex(*quoted) + ", the policy demands " + to_hex(value));
      } else {
        good += (good.empty() ? "" : ", ") + std::to_string(index);
      }
    }
  }
  if (!good.empty()) answer.yes("pcrs", "the quoted values of these PCRs are the policy's: " + good);
}

// The log is hostile until it replays to quoted values, and PCR 7 is where the
// SecureBoot variable is measured (TCG PC Client Platform Firmware Profile 3.3.4.8).
void check_secure_boot(AnswerBuilder& answer, const Facts& facts) {
  const bool quoted =
      std::ranges::any_of(*facts.tpm->pcrs, [](const auto& bank) { return bank.second.contains(secure_boot_pcr); });
  if (!facts.tpm->log || !facts.passed("tpm.eventlog") || !quoted) {
    answer.unknown("secure-boot-unknown",
                   "the policy demands Secure Boot, and no log that replays to a quoted PCR 7 shows it");
    return;
  }
  const EventFacts& found = facts.tpm->event_facts;
  // In the banks of the quote: a digest of another bank is as good as the host's word.
  bool measured = false;
  for (const auto& [bank, registers] : *facts.tpm->pcrs) {
    // Firmware need not have extended every bank, and the guest chose what is quoted.
    if (!registers.contains(secure_boot_pcr) || !facts.policy.pcrs.contains(bank)) continue;
    const auto state = measured_secure_boot(*facts.tpm->log, bank);
    if (state && !*state) {
      answer.no("secure-boot-off", "Secure Boot is off");
      return;
    }
    measured = measured || state.has_value();
  }
  if (found.secure_boot && *found.secure_boot && !measured) {
    answer.unknown("secure-boot-unknown", "no digest of the quoted PCR 7 shows the SecureBoot that the log tells of");
  } else if (!found.secure_boot) {
    answer.unknown("secure-boot-unknown", "whether Secure Boot is on cannot be told: " + found.secure_boot_detail);
  } else if (!*found.secure_boot) {
    answer.no("secure-boot-off", "Secure Boot is off");
  } else {
    answer.yes("secure-boot", "Secure Boot is on");
  }
}

struct Isolation {
  std::string_view name;
  std::string_view text;
};
constexpr std::array isolations{
    Isolation{"host", "the host emulates this vTPM and could have written these PCRs"},
    Isolation{"vmpl", "an SVSM runs this vTPM at VMPL 0, where neither the host nor the guest can write its PCRs"},
    Isolation{"paravisor", "the cloud's paravisor runs this vTPM inside the confidential VM, out of the host's reach"},
    Isolation{"nitro", "the AWS Nitro system runs this vTPM, outside the confidential VM: its keeper is AWS"},
    Isolation{"td", "a trust domain of its own runs this vTPM, out of the host's reach"},
};

// Which of them it is was verified, or it is the host.
void check_isolation(AnswerBuilder& answer, const Facts& facts) {
  const auto* const it = std::ranges::find(isolations, facts.isolation, &Isolation::name);
  const Isolation& found = it == isolations.end() ? isolations.front() : *it;
  const std::string code = "vtpm-" + std::string(found.name);
  const std::string text(found.text);
  if (facts.policy.vtpm_isolation.contains(std::string(found.name))) {
    answer.yes(code, found.name == "host" ? text + "; the policy accepts that" : text);
  } else if (found.name == "host") {
    answer.unknown("vtpm-not-isolated",
                   "nothing isolates this vTPM from the host, which could have written these PCRs");
  } else {
    answer.no(code, text + "; the policy does not accept that");
  }
}

}  // namespace

AnswerWithReasons answer_boot_chain(const Facts& facts) {
  AnswerBuilder answer;
  if (boots_into_rtmrs(facts)) {
    judge_rtmrs(answer, facts);
    // Beside them a vTPM counts only as far as the policy asks for it.
    if (!facts.tpm || facts.policy.pcrs.empty()) {
      // Registers say what booted, not whose instance it is; and the host can leave the vTPM out.
      if (!facts.policy.gcp.demands_nothing()) demand(answer, facts, "gcp.instance");
      if (!facts.policy.nitro_modules.empty()) demand(answer, facts, "nitro.module");
      if (!facts.policy.svsm.demands_nothing()) demand(answer, facts, "svsm.policy");
      if (!facts.policy.pcrs.empty()) {
        answer.unknown("no-tpm-quote", "the policy demands PCR values, and the bundle has no TPM quote");
      }
      if (facts.answer(Question::hardware) != Answer::yes) {
        answer.unknown("depends-on-hardware", "question 1 is not a yes, and only the quote vouches for the registers");
      }
      return answer.take();
    }
  } else if (facts.tdx && !facts.policy.tdx.rtmrs.empty()) {
    demand(answer, facts, "tdx.rtmrs");
  }
  if (!facts.tpm) {
    answer.unknown("no-tpm-quote", "the bundle has no TPM quote");
    return answer.take();
  }
  for (const std::string_view id : {"tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs"}) demand(answer, facts, id);
  tolerate(answer, facts, "tpm.eventlog");
  if (facts.policy.pcrs.empty()) answer.unknown("no-reference", "the policy has no PCR values");
  if (facts.passed("tpm.signature") && facts.passed("tpm.pcrs") && facts.tpm->pcrs) {
    compare_pcrs(answer, facts);
    if (facts.policy.secure_boot.value_or(false)) check_secure_boot(answer, facts);
  } else {
    answer.unknown("pcrs-unknown", "no PCR value is proven by the quote");
  }
  if (!facts.policy.nitro_modules.empty()) demand(answer, facts, "nitro.module");
  judge_ak_certificate(answer, facts);
  judge_svsm(answer, facts);
  check_isolation(answer, facts);
  describe_vtpm_state(answer, facts);
  if (facts.answer(Question::hardware) != Answer::yes) {
    answer.unknown("depends-on-hardware",
                   "question 1 is not a yes, and only the hardware report vouches for the TPM's key");
  }
  return answer.take();
}

}  // namespace attestd
