// The query of an HTTP request's target.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd {

inline constexpr std::size_t query_parameter_limit = 16;

// "a=b&c=d" as browsers and Prometheus send it: percent-encoded bytes, "+" for a blank
// (WHATWG URL, application/x-www-form-urlencoded). A name without "=" has an empty value.
// Errors: malformed ("%" without two hexadecimal digits, a name that occurs twice or is
// empty, a control character), out_of_range (over query_parameter_limit names).
Result<std::map<std::string, std::string, std::less<>>> parse_query(std::string_view query);
// The inverse of one value.
std::string encode_query_value(std::string_view value);

}  // namespace attestd
