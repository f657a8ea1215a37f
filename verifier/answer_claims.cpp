// Questions 4 and 5 rest on what the guest says of itself: believable only when
// questions 1 to 3 are a yes. What a guest says against itself always counts.
#include <algorithm>

#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

void require_belief(AnswerBuilder& answer, const Facts& facts) {
  if (answer.worst() != Answer::yes) return;
  for (const Question question : {Question::hardware, Question::initial_state, Question::boot_chain}) {
    if (facts.answer(question) == Answer::yes) continue;
    answer.unknown("depends-on-earlier",
                   "the guest says so of itself, and can be believed only when questions 1 to 3 are a yes");
    return;
  }
}

bool has_layer(const StorageClaim& volume, std::string_view prefix) {
  return std::ranges::any_of(volume.layers, [&](const std::string& layer) { return layer.starts_with(prefix); });
}

bool accepted_key_origin(const std::string& origin, const Policy& policy) {
  if (!policy.storage_key_origins.empty()) return policy.storage_key_origins.contains(origin);
  return origin == "broker" || origin == "vtpm" || origin == "passphrase";
}

void judge_volume(AnswerBuilder& answer, const StorageClaim& volume, const Policy& policy) {
  const std::string name = volume.mount_point + " (" + volume.source + ")";
  const bool encrypted = has_layer(volume, "crypt");
  const bool integrity = has_layer(volume, "integrity");
  if (volume.read_only && has_layer(volume, "verity")) {
    answer.yes("verity", name + " is read-only under dm-verity");
  } else if (encrypted || integrity) {
    if (!accepted_key_origin(volume.key_origin, policy)) {
      answer.no("key-origin", name + " has a key from '" + volume.key_origin + "', which the policy does not accept");
    } else if (encrypted && integrity) {
      answer.yes("encrypted-integrity", name + " is encrypted with integrity, key from " + volume.key_origin +
                                            "; this does not stop the replay of an older state of the whole disk");
    } else if (encrypted) {
      answer.yes("encrypted", name + " is encrypted without integrity, key from " + volume.key_origin +
                                  "; this does not stop the host from replaying or garbling old sectors");
    } else {
      answer.yes("integrity", name + " is integrity-protected, key from " + volume.key_origin +
                                  "; the host can read it, and replay an older state");
    }
  } else if (volume.filesystem == "overlay") {
    answer.unknown("overlay", name + " is an overlay, and the volumes below it are not known");
  } else if (volume.filesystem == "fuse" || volume.filesystem.starts_with("fuse.")) {
    answer.unknown("userspace-filesystem",
                   name + " is served by a program, and where that keeps its data is not known");
  } else {
    answer.no("plain-volume", name + " is a plain volume that the host can change");
  }
}

std::string silence(const Facts& facts) {
  return facts.runtime_data ? "there is no statement, which would say something" : "the statement says nothing";
}

}  // namespace

AnswerWithReasons answer_storage(const Facts& facts) {
  AnswerBuilder answer;
  if (!facts.statement || !facts.statement->storage) {
    answer.unknown("not-collected", silence(facts) + " about storage");
    return answer.take();
  }
  for (const StorageClaim& volume : *facts.statement->storage) judge_volume(answer, volume, facts.policy);
  if (facts.statement->storage->empty()) answer.yes("no-volumes", "no volume is mounted");
  require_belief(answer, facts);
  return answer.take();
}

AnswerWithReasons answer_provisioning(const Facts& facts) {
  AnswerBuilder answer;
  if (!facts.statement || !facts.statement->provisioning) {
    answer.unknown("not-collected", silence(facts) + " about provisioning");
    return answer.take();
  }
  const ProvisioningClaim& claim = *facts.statement->provisioning;
  const std::string source = claim.datasource.empty() ? "" : " with datasource '" + claim.datasource + "'";
  if (!facts.policy.provisioning_agents.contains(claim.agent)) {
    answer.no("agent", "'" + claim.agent + "' ran" + source + ", which the policy does not accept");
  } else if (claim.agent == "none") {
    answer.yes("no-agent", "no provisioning agent ran");
  } else {
    answer.yes("agent-accepted",
               "'" + claim.agent + "' ran" + source + ", which the policy accepts; who wrote its data is not shown");
  }
  require_belief(answer, facts);
  return answer.take();
}

}  // namespace attestd
