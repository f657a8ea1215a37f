// A listening TCP socket.
#pragma once

#include <string>

#include "base/file.h"

namespace attestd {

// `address`: "127.0.0.1:9743", "[::1]:9743", "localhost:9743", or ":9743" for every
// address of the machine. Errors: usage (no such form), unavailable (no such name),
// permission, busy (somebody listens there), io.
Result<UniqueFd> listen_tcp(const std::string& address);

}  // namespace attestd
