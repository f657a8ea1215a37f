// The evidence in the certificate that the gateway makes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd::gateway {

// A bundle without its event logs, which make it too long for a handshake. Error:
// malformed.
Result<std::string> bundle_for_certificate(std::string_view bundle);

}  // namespace attestd::gateway
