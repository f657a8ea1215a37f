// What a guest is challenged with. The broker keeps nothing of it: the token carries it,
// authenticated, and is worth something once, which the store sees to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace attestd::broker {

inline constexpr std::size_t challenge_nonce_size = 32;    // bytes
inline constexpr std::size_t challenge_token_limit = 512;  // characters

struct Challenge {
  Bytes nonce;                  // 32 bytes
  std::int64_t expires_at = 0;  // Unix seconds
  std::string protocol;         // "kbs" and its version, or "attestd": what it was asked for by
  std::string tee;              // as the guest named it
  std::string selector;         // the policy that is to judge, or empty: any
  std::string hash;             // of the runtime data, "sha384"; empty: the protocol has none
};

// The key is the same for all replicas, so that each can finish what another began.
class ChallengeKey {
 public:
  // `key`: at least 32 bytes.
  explicit ChallengeKey(SecretBytes key) : key_(std::move(key)) {}

  // Base64url of: version (1 byte, 1), expiry (8, big-endian), nonce (32), four texts each after its
  // length (1 byte), HMAC-SHA256 of all of it (32). Errors: out_of_range (a text over 64 bytes), crypto.
  [[nodiscard]] Result<std::string> seal(const Challenge& challenge) const;
  // Errors: mismatch (not ours, or changed), expired.
  [[nodiscard]] Result<Challenge> open(std::string_view token, std::int64_t now) const;

 private:
  SecretBytes key_;
};

// A fresh nonce. Errors: those of random_bytes().
Result<Challenge> make_challenge(std::int64_t expires_at);

}  // namespace attestd::broker
