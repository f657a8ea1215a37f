// A volume's key in the place of another, made by the guest itself: POST /v1/rotation.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "broker/audit.h"

namespace attestd::broker {

inline constexpr std::size_t rotation_key_min_size = 32;   // bytes
inline constexpr std::size_t rotation_key_max_size = 512;  // bytes

struct RotationRequest {
  std::string resource;
  std::string token;
  SecretBytes key;
};
// {"resource": "REPOSITORY/TYPE/TAG", "token": "…", "key": base64url}, and nothing else. No error quotes token or key.
// Errors: malformed, not_found, out_of_range.
Result<RotationRequest> parse_rotation_request(std::string_view body);

// What the store keeps of a token. That of one for rotations is found by no other request's, and the other way round:
// who may have a first key made may not replace one.
Sha256Digest enrolment_token_digest(std::string_view token);
Sha256Digest rotation_token_digest(std::string_view token);

}  // namespace attestd::broker
