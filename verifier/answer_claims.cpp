// Questions 4 and 5 rest on what the guest says of itself: believable only when
// questions 1 to 3 are a yes. What a guest says against itself always counts.
#include <algorithm>

#include "base/encoding.h"
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

// Who has the vTPM has the key: one that the host keeps, or that nobody has shown to be isolated, must be allowed.
bool accepted_keeper(const Facts& facts) { return facts.policy.vtpm_isolation.contains(facts.isolation); }

std::string keeper_text(const StorageClaim& volume, const Facts& facts) {
  if (volume.key_origin != "vtpm") return {};
  return facts.isolation == "host" ? " that the host keeps, which the policy accepts" : " (" + facts.isolation + ")";
}

// What dm-crypt would do with the data in name only. Null ciphers are dm-crypt's own for tests.
bool hides_nothing(std::string_view cipher) {
  const auto has = [&](std::string_view part) { return cipher.find(part) != std::string_view::npos; };
  return has("null") || has("ecb");
}

// No list makes an encryption of what hides nothing.
bool accepted_cipher(const StorageMapping& mapping, const Policy& policy) {
  if (hides_nothing(mapping.cipher)) return false;
  return policy.storage_ciphers.empty() || policy.storage_ciphers.contains(mapping.cipher);
}

// Whether one target does what its layer is called for; if not, the answer has it.
bool judge_mapping(AnswerBuilder& answer, const std::string& name, const StorageMapping& mapping,
                   const Policy& policy) {
  const bool crypt = mapping.layer.starts_with("crypt") && mapping.layer != "crypt-subdevice";
  const bool verity = mapping.layer == "verity";
  // A name that ends in "_dif" is enough to be called integrity.
  const bool integrity = mapping.layer == "integrity";
  if ((crypt && mapping.target != "crypt") || (verity && mapping.target != "verity") ||
      (integrity && mapping.target != "integrity")) {
    answer.no("mapping", name + " is on device '" + mapping.device + "', which is called " + mapping.layer +
                             " and maps to '" + mapping.target + "'");
  } else if (crypt && mapping.cipher.empty()) {
    answer.unknown("cipher-unknown",
                   name + " is on device '" + mapping.device + "', whose cipher its kernel does not tell");
  } else if (crypt && !accepted_cipher(mapping, policy)) {
    answer.no("cipher", name + " is on device '" + mapping.device + "', whose cipher is '" + mapping.cipher +
                            "', which " +
                            (hides_nothing(mapping.cipher) ? "hides nothing" : "the policy does not accept"));
  } else if (verity && mapping.mode == "ignore_corruption") {
    answer.no("verity-mode", name + " is on device '" + mapping.device + "', whose dm-verity lets wrong data pass");
  } else if (verity && !policy.storage_root_hashes.empty() &&
             std::ranges::find(policy.storage_root_hashes, mapping.root_hash) == policy.storage_root_hashes.end()) {
    answer.no("root-hash",
              name + " has the root hash " + to_hex(mapping.root_hash) + ", which the policy does not list");
  } else {
    return true;
  }
  return false;
}

// Whether the tables bear out what all layers are called; if not, the answer has it.
bool judge_mappings(AnswerBuilder& answer, const std::string& name, const StorageClaim& volume, const Policy& policy) {
  bool good = true;
  std::size_t known = 0;
  const auto protects = [](const std::string& layer) { return layer.starts_with("crypt") || layer == "verity"; };
  for (const StorageMapping& mapping : volume.mappings.value_or(std::vector<StorageMapping>())) {
    if (protects(mapping.layer)) ++known;
    good = judge_mapping(answer, name, mapping, policy) && good;
  }
  if (!good) return false;
  const auto wanted = static_cast<std::size_t>(std::ranges::count_if(volume.layers, protects));
  if (known >= wanted) return true;
  answer.unknown("mapping-unknown",
                 name + " is called protected, but what its devices do is not known: the VM does not tell its tables");
  return false;
}

// " by aes-xts-plain64", or nothing.
std::string with_cipher(const StorageClaim& volume) {
  std::string out;
  for (const StorageMapping& mapping : volume.mappings.value_or(std::vector<StorageMapping>())) {
    if (mapping.target != "crypt") continue;
    out += (out.empty() ? " by " : ", ") + mapping.cipher;
    if (!mapping.integrity.empty()) out += " and " + mapping.integrity;
  }
  return out;
}

std::string root_hash_of(const StorageClaim& volume) {
  for (const StorageMapping& mapping : volume.mappings.value_or(std::vector<StorageMapping>())) {
    if (mapping.target == "verity") return " with the root hash " + to_hex(mapping.root_hash);
  }
  return {};
}

void judge_protected_volume(AnswerBuilder& answer, const std::string& name, const StorageClaim& volume,
                            const Facts& facts) {
  const bool encrypted = has_layer(volume, "crypt");
  const bool integrity = has_layer(volume, "integrity");
  const std::string key = ", key from " + volume.key_origin + keeper_text(volume, facts);
  if (!accepted_key_origin(volume.key_origin, facts.policy)) {
    answer.no("key-origin", name + " has a key from '" + volume.key_origin + "', which the policy does not accept");
  } else if (volume.key_origin == "vtpm" && !accepted_keeper(facts)) {
    answer.no("key-vtpm",
              name + " has a key from a vTPM that " +
                  (facts.isolation == "host" ? "nothing isolates from the host" : facts.isolation + " isolates") +
                  ", and the policy does not accept that");
  } else if (encrypted && integrity) {
    answer.yes("encrypted-integrity", name + " is encrypted" + with_cipher(volume) + " with integrity" + key +
                                          "; this does not stop the replay of an older state of the whole disk");
  } else if (encrypted) {
    answer.yes("encrypted", name + " is encrypted" + with_cipher(volume) + " without integrity" + key +
                                "; this does not stop the host from replaying or garbling old sectors");
  } else {
    answer.yes("integrity",
               name + " is integrity-protected" + key + "; the host can read it, and replay an older state");
  }
}

void judge_volume(AnswerBuilder& answer, const StorageClaim& volume, const Facts& facts) {
  const std::string name = volume.mount_point + " (" + volume.source + ")";
  const bool verity = volume.read_only && has_layer(volume, "verity");
  const bool keyed = has_layer(volume, "crypt") || has_layer(volume, "integrity");
  if ((verity || keyed) && !judge_mappings(answer, name, volume, facts.policy)) return;
  if (verity) {
    answer.yes("verity", name + " is read-only under dm-verity" + root_hash_of(volume));
  } else if (keyed) {
    judge_protected_volume(answer, name, volume, facts);
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
  for (const StorageClaim& volume : *facts.statement->storage) judge_volume(answer, volume, facts);
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
