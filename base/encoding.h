// Text encodings of byte strings and of time. All decoders are strict: no white
// space, no unknown characters, and padding just where the encoding has it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

// Lower case, two digits a byte.
std::string to_hex(ByteView bytes);
// Either case; an odd number of digits is an error. Offsets count characters.
Result<Bytes> from_hex(std::string_view text);

// RFC 4648 section 4, with padding.
std::string to_base64(ByteView bytes);
Result<Bytes> from_base64(std::string_view text);

// RFC 4648 section 5, without padding, as JOSE and CMW use it.
std::string to_base64url(ByteView bytes);
Result<Bytes> from_base64url(std::string_view text);

// RFC 3339 in UTC ("2025-06-01T00:00:00Z"), seconds since the Unix epoch.
// Offsets ("+02:00") and fractions (dropped) are accepted when parsing.
std::string to_rfc3339(std::int64_t unix_seconds);
Result<std::int64_t> from_rfc3339(std::string_view text);

}  // namespace attestd
