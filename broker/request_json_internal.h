// Members that requests of our own resources share. No error quotes a value, which may be a token or a key.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "evidence/json_internal.h"

namespace attestd::broker {

inline constexpr std::size_t token_limit = 256;  // characters

// The request, which has no members but these. Error: malformed.
Result<JsonMembers> request_members(const boost::json::value& document,
                                    std::initializer_list<std::string_view> allowed);

// "resource": REPOSITORY/TYPE/TAG. Errors: malformed, not_found.
Result<std::string> requested_resource(const JsonMembers& request);

// "token": of an enrolment or a rotation. Errors: malformed, not_found, out_of_range.
Result<std::string> requested_token(const JsonMembers& request);

}  // namespace attestd::broker
