// Key files that are sockets, as systemd-cryptsetup asks them: crypttab(5), "AF_UNIX stream socket".
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"

namespace attestd::unlock {

// Which volume a peer asks for, by the abstract address that it connects from: "\0HEX/cryptsetup/NAME".
// `address`: of sockaddr_un's path, with its leading zero byte. Errors: malformed (another form; a name that is no
// file name).
Result<std::string> volume_of_address(std::string_view address);
Result<std::string> volume_of_peer(int connection);

// The next connection. Error: io.
Result<UniqueFd> accept_from(int listener);

}  // namespace attestd::unlock
