// Stream sockets in the file system.
#pragma once

#include <sys/un.h>

#include <string>

#include "base/file.h"

namespace attestd {

// Error: usage (empty, or longer than an address can hold: 107 bytes).
Result<sockaddr_un> unix_address(const std::string& path);
// Closed on exec. `flags`: more of socket(2)'s, as SOCK_NONBLOCK.
Result<UniqueFd> unix_socket(int flags = 0);

}  // namespace attestd
