// What an attestation showed, as the claims of the token that the guest gets for it. The broker
// keeps nothing: any replica believes its own signature, until the token expires.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/statement.h"
#include "verifier/verdict.h"

namespace attestd::broker {

using FiveAnswers = std::array<Answer, question_count>;  // in the order of Question

// A policy that trusted the guest.
struct PolicyResult {
  std::string policy;
  std::int64_t version = 0;  // of the policy
  FiveAnswers answers{};
};

inline constexpr std::size_t results_limit = 8;  // policies: a token is a cookie, and clients take 4096 bytes

struct AttestationResult {
  Bytes challenge;       // its nonce, 32 bytes
  std::string protocol;  // as Challenge::protocol
  std::string tee;
  std::string key;  // JWK that secrets are to be encrypted to, JSON
  std::vector<PolicyResult> policies;
  std::optional<UnlockClaim::Volume> volume;
  Bytes evidence_sha256;  // 32 bytes
  bool simulated = false;
  std::int64_t issued_at = 0;  // Unix seconds, both
  std::int64_t expires_at = 0;
};

// A JSON object: "iss", "iat", "nbf", "exp", "jti", "tee", "tee-pubkey" as Trustee's tokens have them,
// and "attestd" for the rest.
std::string encode_claims(const AttestationResult& result, std::string_view issuer);
// Of a token that is ours. Errors: malformed, not_found, out_of_range.
Result<AttestationResult> parse_claims(std::string_view json);

FiveAnswers answers_of(const Verdict& verdict);

}  // namespace attestd::broker
