// Questions 1 and 2, what is the same for all hardware. Each kind has a file of
// its own for the rest.
#include <array>

#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

struct Hardware {
  HardwareKind kind;
  std::string_view name;
  std::string_view vendor;
  void (*judge)(AnswerBuilder&, const Facts&);
  void (*describe)(AnswerBuilder&, const Facts&);
  void (*judge_initial_state)(AnswerBuilder&, const Facts&);
};
constexpr std::array hardware_kinds{
    Hardware{HardwareKind::snp, "SEV-SNP", "AMD", judge_snp_hardware, describe_snp_hardware, judge_snp_initial_state},
    Hardware{HardwareKind::tdx, "TDX", "Intel", judge_tdx_hardware, describe_tdx_hardware, judge_tdx_initial_state},
};

const Hardware& hardware_of(HardwareKind kind) {
  for (const Hardware& known : hardware_kinds) {
    if (known.kind == kind) return known;
  }
  return hardware_kinds.front();
}

// The host chooses what machine answers: a policy of one kind demands nothing of the other.
void judge_kind(AnswerBuilder& answer, const Facts& facts) {
  const bool snp = facts.hardware->kind == HardwareKind::snp;
  const bool named = snp ? facts.policy.names_snp : facts.policy.names_tdx;
  const bool other = snp ? facts.policy.names_tdx : facts.policy.names_snp;
  if (named || !other) return;
  answer.unknown("hardware-not-in-policy",
                 std::string("the policy has ") + (snp ? "[tdx] and no [snp]" : "[snp] and no [tdx]") +
                     ": it says nothing of " + std::string(hardware_name(facts.hardware->kind)) + ", which this is");
}

// Whose machine it is bears on all that it says. The host can leave out the evidence
// of it, so a section of the policy demands that the check was made.
void demand_identity(AnswerBuilder& answer, const Facts& facts) {
  const Policy& policy = facts.policy;
  if (!policy.azure.demands_nothing()) demand(answer, facts, "azure.configuration");
  // With what ties each to this statement: anybody can attach another machine's.
  if (!policy.gcp.demands_nothing()) {
    for (const std::string_view id : {"gcp.instance", "tpm.signature", "tpm.ak", "tpm.extra-data"}) {
      demand(answer, facts, id);
    }
  }
  if (!policy.nitro_modules.empty()) {
    for (const std::string_view id :
         {"nitro.module", "nitro.signature", "nitro.chain", "nitro.kind", "nitro.binding"}) {
      demand(answer, facts, id);
    }
  }
}

}  // namespace

std::string_view hardware_name(HardwareKind kind) { return hardware_of(kind).name; }

AnswerWithReasons answer_hardware(const Facts& facts) {
  AnswerBuilder answer;
  if (!facts.hardware) {
    answer.unknown("no-hardware-evidence", "the bundle has no hardware report");
    return answer.take();
  }
  const HardwareView& view = *facts.hardware;
  const Hardware& hardware = hardware_of(view.kind);
  if (view.simulated) {
    answer.note("simulated", "SIMULATED: signed under the root you named (" + view.root_name + "), not by " +
                                 std::string(hardware.vendor));
  }
  demand(answer, facts, "binding.report-data");
  hardware.judge(answer, facts);
  if (facts.azure) judge_azure(answer, facts);
  judge_kind(answer, facts);
  demand_identity(answer, facts);
  tolerate(answer, facts, "binding.nonce");
  if (facts.freshness == Freshness::unproven && !facts.failed("binding.nonce")) {
    const Check* const nonce = facts.find("binding.nonce");
    answer.unknown("freshness", "nothing shows that this evidence is fresh: " +
                                    (nonce == nullptr ? std::string("no nonce") : nonce->detail));
  }
  if (answer.worst() == Answer::no || !view.good) return answer.take();
  hardware.describe(answer, facts);
  if (facts.azure) describe_azure(answer, facts);
  if (facts.freshness == Freshness::age) {
    answer.note("fresh-by-age", "freshness is by the statement's time alone, and the host controls that clock");
  }
  return answer.take();
}

AnswerWithReasons answer_initial_state(const Facts& facts) {
  AnswerBuilder answer;
  if (!facts.hardware || !facts.hardware->report_data) {
    answer.unknown("no-hardware-evidence", "there is no readable hardware report");
    return answer.take();
  }
  hardware_of(facts.hardware->kind).judge_initial_state(answer, facts);
  if (answer.worst() == Answer::yes && facts.answer(Question::hardware) != Answer::yes) {
    answer.unknown("depends-on-hardware", "question 1 is not a yes, so this digest proves nothing");
  }
  return answer.take();
}

void accept_reference(AnswerBuilder& answer, const ReferenceMeasurement& reference) {
  switch (reference.origin) {
    case ReferenceOrigin::own_firmware:
      answer.yes("own-firmware", "the launch digest is that of the owner's own firmware");
      break;
    case ReferenceOrigin::reproducible_build:
      answer.yes("reproducible-build", "the launch digest is that of a reproducible build");
      break;
    case ReferenceOrigin::pre_measured:
      answer.yes("pre-measured", "the launch digest was measured before the VM existed");
      break;
    case ReferenceOrigin::pinned:
      answer.yes("pinned", "the launch digest is a pinned one: an opaque hash that must not change");
      break;
  }
  if (!reference.comment.empty()) answer.note("reference-comment", "the policy says of it: " + reference.comment);
}

}  // namespace attestd
