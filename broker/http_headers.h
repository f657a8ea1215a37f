// What the broker reads of a request's headers.
#pragma once

#include <string>
#include <string_view>

namespace attestd::broker {

// The cookie of this name (RFC 6265 section 4.2.1); empty when there is none. Of several the first.
std::string_view cookie_value(std::string_view header, std::string_view name);
// The token of "Bearer TOKEN" (RFC 6750 section 2.1); empty when it is none.
std::string_view bearer_token(std::string_view header);

}  // namespace attestd::broker
