// GUIDs as text and in their two byte orders.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

using Guid = std::string;                     // lower case, "63da758d-e664-4564-adc5-f4b93be8accd"
inline constexpr std::size_t guid_size = 16;  // bytes

// RFC 4122 section 4.1.2: every group big-endian.
Guid guid_from_rfc4122(const FixedBytes<guid_size>& bytes);
// UEFI 2.10 appendix A: the first three groups little-endian.
Guid guid_from_uefi(const FixedBytes<guid_size>& bytes);
// The inverse of both; text that is no GUID gives zeros.
FixedBytes<guid_size> guid_to_rfc4122(std::string_view text);
FixedBytes<guid_size> guid_to_uefi(std::string_view text);

}  // namespace attestd
