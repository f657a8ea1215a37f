#include "luks/validate.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "base/text.h"
#include "luks/token.h"
#include "luks/validate_internal.h"

namespace attestd::luks {
namespace {

constexpr std::uint32_t least_key_size = 32;  // bytes

template <class Range>
bool contains(const Range& range, const auto& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

std::string cipher_text(const std::string& encryption, const std::string& integrity) {
  return integrity.empty() ? encryption : encryption + " with " + integrity;
}

void check_cipher(const Segment& data, const Expectation& expectation, Objections& out) {
  const std::string found = cipher_text(data.encryption, data.integrity);
  if (hopeless_cipher(data.encryption)) {
    return object(out, "luks.cipher", "the data is encrypted with " + found + ", which hides nothing");
  }
  const bool listed = std::ranges::any_of(expectation.ciphers, [&](const CipherRule& rule) {
    return rule.encryption == data.encryption && rule.integrity == data.integrity;
  });
  if (!listed) {
    const auto names = expectation.ciphers | std::views::transform([](const CipherRule& rule) {
                         return cipher_text(rule.encryption, rule.integrity);
                       });
    object(out, "luks.cipher", "the data is encrypted with " + found + ", expected is " + joined(names, " or "));
  }
  // Section 3.3.2: not implemented by cryptsetup, and so nothing that it would have made.
  if (!data.integrity.empty() && (data.journal_encryption != "none" || data.journal_integrity != "none")) {
    object(out, "luks.cipher", "the journal of the integrity layer has a key of its own, which cryptsetup never gives");
  }
}

void check_data(const Segment& data, const Expectation& expectation, Objections& out) {
  if (data.type != "crypt") {
    return object(out, "luks.segment",
                  "segment " + std::to_string(data.id) + " is of type " + data.type + ", only crypt is encrypted");
  }
  check_cipher(data, expectation, out);
  if (data.id != 0) object(out, "luks.segment", "the only segment is not number 0");
  if (data.size) object(out, "luks.segment", "the segment does not take the device to its end (size is not dynamic)");
  if (!data.flags.empty()) object(out, "luks.segment", "the segment has flags, which a volume at rest has not");
  if (data.iv_tweak != 0) object(out, "luks.segment", "the segment's sectors are not numbered from 0 (iv_tweak)");
  if (expectation.data_offset && *expectation.data_offset != data.offset) {
    object(out, "luks.segment",
           "the data starts at byte " + std::to_string(data.offset) + ", expected is byte " +
               std::to_string(*expectation.data_offset));
  }
  if (!contains(expectation.sector_sizes, data.sector_size)) {
    object(out, "luks.sector-size", "the sectors have " + std::to_string(data.sector_size) + " bytes");
  }
}

// All keyslots have the same size of key here, or check_keyslot() has objected.
void check_key_size(const Header& header, const Segment& data, const Expectation& expectation, Objections& out) {
  for (const Keyslot& slot : header.keyslots) {
    const bool listed = std::ranges::any_of(expectation.ciphers, [&](const CipherRule& rule) {
      return rule.encryption == data.encryption && rule.integrity == data.integrity && rule.key_size == slot.key_size;
    });
    if (slot.key_size < least_key_size || !listed) {
      object(out, "luks.key-size",
             "keyslot " + std::to_string(slot.id) + " keeps a volume key of " + std::to_string(slot.key_size) +
                 " bytes, which is not what the cipher takes");
    }
  }
}

void check_tokens(const Header& header, const Expectation& expectation, Objections& out) {
  for (const Token& token : header.tokens) {
    const std::string name = "token " + std::to_string(token.id);
    if (!contains(expectation.token_types, token.type)) {
      object(out, "luks.token", name + " is of type " + token.type + ", which is not accepted");
    } else if (token.type == unlock_token_type) {
      if (auto ours = parse_unlock_token(token.json); !ours) {
        object(out, "luks.token", name + " is malformed: " + printable_ascii(ours.error().text()));
      }
    }
  }
}

void check_flags(const Header& header, const Expectation& expectation, Objections& out) {
  for (const std::string& flag : header.flags) {
    if (!contains(expectation.flags, flag)) {
      object(out, "luks.flag",
             "the volume is to be activated with '" + printable_ascii(flag) + "', which is not accepted");
    }
  }
}

}  // namespace

bool hopeless_cipher(std::string_view encryption) {
  const auto has = [&](std::string_view part) { return encryption.find(part) != std::string_view::npos; };
  return has("null") || has("ecb") || has("none");
}

std::vector<CipherRule> default_ciphers() { return {{"aes-xts-plain64", "", 64}}; }

std::vector<CipherRule> authenticated_ciphers() {
  // cryptsetup 2.6.1, INTEGRITY_key_size(): the MAC's key has the size of its hash and
  // follows the cipher's.
  return {{"aes-xts-plain64", "hmac(sha256)", 64 + 32},
          {"aes-xts-plain64", "hmac(sha512)", 64 + 64},
          {"aes-xts-random", "hmac(sha256)", 64 + 32},
          {"aes-xts-random", "hmac(sha512)", 64 + 64},
          {"aes-gcm-random", "aead", 32},
          {"chacha20-random", "poly1305", 32}};
}

KdfRule random_key_rule() {
  KdfRule out;
  out.least_pbkdf2_iterations = 1;
  out.least_argon2_memory_kib = 1;
  out.least_argon2_time = 1;
  return out;
}

Expectation unlock_expectation() {
  Expectation out;
  std::ranges::copy(authenticated_ciphers(), std::back_inserter(out.ciphers));
  out.kdf = random_key_rule();
  return out;
}

Objections validate(const Header& header, const Expectation& expectation) {
  Objections out;
  if (expectation.canonical_digest && *expectation.canonical_digest != header.canonical_digest) {
    object(out, "luks.digest",
           "the header is not the one that was enrolled: its digest is " + to_hex(header.canonical_digest) +
               ", enrolled is " + to_hex(*expectation.canonical_digest));
  }
  if (!expectation.uuid.empty() && expectation.uuid != header.primary.uuid) {
    object(out, "luks.uuid",
           "the volume's UUID is " + printable_ascii(header.primary.uuid) + ", expected is " + expectation.uuid);
  }
  check_tokens(header, expectation, out);
  check_flags(header, expectation, out);
  if (header.segments.size() != 1) {
    object(out, "luks.segment",
           "there are " + std::to_string(header.segments.size()) + " segments, a volume at rest has one");
    return out;
  }
  const Segment& data = header.segments.front();
  check_data(data, expectation, out);
  if (header.keyslots.empty()) object(out, "luks.keyslot", "there is no keyslot");
  for (const Keyslot& slot : header.keyslots) check_keyslot(slot, expectation.kdf, out);
  check_key_size(header, data, expectation, out);
  check_digests(header, data, out);
  return out;
}

Result<void> require_valid(const Header& header, const Expectation& expectation) {
  Objections found = validate(header, expectation);
  if (found.empty()) return {};
  return fail(Errc::refused, std::move(found.front().text));
}

}  // namespace attestd::luks
