// JSON as LUKS2 writes it, over evidence/json_internal.h. For .cpp files of luks/ only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/json_internal.h"
#include "luks/header.h"

namespace attestd::luks {

// The value of `json`, in which no name and no string has a zero byte: json-c, which
// cryptsetup reads with, would see their first part only. Errors: as parse_json().
Result<boost::json::value> parse_text(std::string_view json);

// An object with no member but `known`. Error: malformed.
Result<JsonMembers> object_of(const boost::json::value& value, const std::string& place,
                              std::initializer_list<std::string_view> known);

// Decimal digits without a leading zero, at most 2^64 - 1. Errors: malformed, out_of_range.
Result<std::uint64_t> decimal(std::string_view text, const std::string& place);
// An object's name or a reference to one: a decimal below `objects_limit`.
Result<unsigned> object_id(std::string_view text, const std::string& place);
// An array of references, none twice.
Result<std::vector<unsigned>> references(const JsonMembers& members, std::string_view name);
// A string of digits: offsets and sizes, which JSON's numbers cannot hold.
Result<std::uint64_t> long_number(const JsonMembers& members, std::string_view name);
// At most 2^32 - 1: cryptsetup keeps the lower half of what is larger.
Result<std::uint32_t> number(const JsonMembers& members, std::string_view name);
// A string of 1 to 64 printable ASCII characters: names of types and algorithms.
Result<std::string> name_of(const JsonMembers& members, std::string_view name);
// Base64 with padding, of at most 64 bytes.
Result<Bytes> binary(const JsonMembers& members, std::string_view name);

}  // namespace attestd::luks
