#include <algorithm>
#include <array>

#include "evidence/digest.h"
#include "luks/validate_internal.h"

namespace attestd::luks {
namespace {

// What cryptsetup takes for an area when it is asked for nothing else, also under
// authenticated ciphers, which need room for tags that an area does not have.
constexpr std::string_view area_encryption = "aes-xts-plain64";
constexpr std::array<std::uint32_t, 2> area_key_sizes = {32, 64};  // bytes
constexpr std::uint32_t stripes = 4000;                            // section 3.2.4
constexpr std::size_t salt_size = 32;                              // bytes; cryptsetup takes no other

bool strong_hash(std::string_view name) { return name == "sha256" || name == "sha384" || name == "sha512"; }

void check_limits(std::string_view what, std::uint32_t value, std::uint32_t least, std::uint32_t most,
                  const std::string& name, Objections& out) {
  if (value >= least && value <= most) return;
  object(out, "luks.kdf",
         name + " derives its key with " + std::to_string(value) + " " + std::string(what) + ", accepted are " +
             std::to_string(least) + " to " + std::to_string(most));
}

void check_kdf(const Kdf& kdf, const KdfRule& rule, const std::string& name, Objections& out) {
  if (kdf.type == "pbkdf2") {
    if (!strong_hash(kdf.hash)) object(out, "luks.kdf", name + " derives its key with " + kdf.hash);
    check_limits("iterations of PBKDF2", kdf.iterations, rule.least_pbkdf2_iterations, rule.most_pbkdf2_iterations,
                 name, out);
  } else if (kdf.type == "argon2id" || kdf.type == "argon2i") {
    check_limits("KiB of Argon2", kdf.memory_kib, rule.least_argon2_memory_kib, rule.most_argon2_memory_kib, name, out);
    check_limits("passes of Argon2", kdf.time, rule.least_argon2_time, rule.most_argon2_time, name, out);
    check_limits("threads of Argon2", kdf.threads, 1, rule.most_argon2_threads, name, out);
  } else {
    return object(out, "luks.kdf", name + " derives its key with " + kdf.type + ", which we do not know");
  }
  if (kdf.salt.size() != salt_size) {
    object(out, "luks.kdf", name + " has a salt of " + std::to_string(kdf.salt.size()) + " bytes, not 32");
  }
}

void check_area(const Keyslot& slot, const std::string& name, Objections& out) {
  if (slot.area_type != "raw") {
    return object(out, "luks.keyslot-area", name + " has an area of type " + slot.area_type + ", which is not raw");
  }
  if (hopeless_cipher(slot.area_encryption)) {
    return object(out, "luks.keyslot-area",
                  name + " is encrypted with " + slot.area_encryption + ": any passphrase gives the key that is in it");
  }
  if (slot.area_encryption != area_encryption) {
    object(out, "luks.keyslot-area",
           name + " is encrypted with " + slot.area_encryption + ", expected is " + std::string(area_encryption));
  }
  if (std::ranges::find(area_key_sizes, slot.area_key_size) == area_key_sizes.end()) {
    object(out, "luks.keyslot-area",
           name + " is encrypted with a key of " + std::to_string(slot.area_key_size) + " bytes, not 32 or 64");
  }
}

void check_key_digest(const Digest& digest, Objections& out) {
  const std::string name = "digest " + std::to_string(digest.id);
  if (digest.type != "pbkdf2") {
    return object(out, "luks.key-digest", name + " is of type " + digest.type + ", which is not pbkdf2");
  }
  if (!strong_hash(digest.hash)) return object(out, "luks.key-digest", name + " is by " + digest.hash);
  // cryptsetup would also be content with 20 bytes.
  const auto algorithm = hash_from_name(digest.hash);
  if (!algorithm || digest.value.size() != hash_size(*algorithm) || digest.salt.size() != salt_size) {
    object(out, "luks.key-digest", name + " or its salt is of the wrong size");
  }
  if (digest.iterations == 0 || digest.iterations > KdfRule().most_pbkdf2_iterations) {
    object(out, "luks.key-digest", name + " takes " + std::to_string(digest.iterations) + " iterations");
  }
}

}  // namespace

void check_keyslot(const Keyslot& slot, const KdfRule& rule, Objections& out) {
  const std::string name = "keyslot " + std::to_string(slot.id);
  if (slot.type != "luks2") {
    return object(out, "luks.keyslot", name + " is of type " + slot.type + ", which is not luks2");
  }
  check_area(slot, name, out);
  if (slot.af_type != "luks1" || slot.af_stripes != stripes || !strong_hash(slot.af_hash)) {
    object(out, "luks.keyslot",
           name + " is split with " + slot.af_type + ", " + std::to_string(slot.af_stripes) + " stripes and " +
               slot.af_hash + ", expected is luks1, 4000 and SHA-2");
  }
  check_kdf(slot.kdf, rule, name, out);
}

void check_digests(const Header& header, const Segment& data, Objections& out) {
  if (header.digests.size() != 1) {
    return object(
        out, "luks.key-digest",
        "there are " + std::to_string(header.digests.size()) + " digests of volume keys, a volume at rest has one");
  }
  const Digest& digest = header.digests.front();
  check_key_digest(digest, out);
  if (digest.segments != std::vector{data.id}) {
    object(out, "luks.key-digest", "the digest of the volume key is not bound to the segment");
  }
  for (const Keyslot& slot : header.keyslots) {
    if (std::ranges::find(digest.keyslots, slot.id) == digest.keyslots.end()) {
      object(out, "luks.key-digest", "keyslot " + std::to_string(slot.id) + " is bound to no digest of a volume key");
    }
  }
}

}  // namespace attestd::luks
