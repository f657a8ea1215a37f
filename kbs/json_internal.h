// What the protocol's JSON has beside evidence/json_internal.h.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "evidence/json_internal.h"
#include "kbs/message.h"

namespace attestd::kbs {

// Errors: out_of_range (over message_max_size), malformed.
Result<boost::json::value> parse_message(std::string_view text, std::string_view place);
Result<FixedBytes<nonce_size>> nonce_member(const JsonMembers& members);

// True when the member is there and not null: serde writes null for what is absent.
bool has_value(const JsonMembers& members, std::string_view name);
// Bytes as serde writes them without help: an array of numbers from 0 to 255.
Result<Bytes> bytes_of_array(const boost::json::value& value, const std::string& place, std::size_t limit);
Result<Bytes> array_member(const JsonMembers& members, std::string_view name, std::size_t low, std::size_t high);
boost::json::array array_of_bytes(ByteView bytes);
// One string as RFC 8785 writes it: canonical_json.cpp.
std::string canonical_string(std::string_view text);
// RFC 4648 section 4 with padding; section 5 with padding or without.
Result<Bytes> base64_member(const JsonMembers& members, std::string_view name, std::size_t limit);
Result<Bytes> base64url_member(const JsonMembers& members, std::string_view name, std::size_t limit);
std::string padded_base64url(ByteView bytes);

}  // namespace attestd::kbs
