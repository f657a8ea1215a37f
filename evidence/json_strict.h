// JSON (RFC 8259) without the freedoms that let two readers see two documents:
// no member twice (the names are compared after their escapes are decoded), no
// comments or trailing commas, valid UTF-8, at most 16 levels.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd {

inline constexpr std::size_t json_max_depth = 16;

// Errors: malformed with its offset.
Result<void> check_json(std::string_view json);

// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD, so
// that paths and names from elsewhere can go into JSON.
std::string to_valid_utf8(std::string_view text);

}  // namespace attestd
