// The JSON area of a LUKS2 header. For luks/header.cpp only.
#pragma once

#include <string_view>

#include "luks/header.h"

namespace attestd::luks {

// Fills what the JSON area says. `text`: without the zeros behind it; `header_size`: bytes,
// from the binary header. Errors: as parse_header().
Result<void> read_metadata(std::string_view text, std::uint64_t header_size, Header& out);

// What holds between the objects: areas and segments that do not overlap and are where
// they may be, and references that lead somewhere. `device_size`: bytes.
Result<void> check_layout(const Header& header, std::uint64_t device_size);

}  // namespace attestd::luks
