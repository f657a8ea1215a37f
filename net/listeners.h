// The sockets that a server listens at, as its configuration names them.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace attestd::net {

// Those that `places` name: "ADDRESS:PORT" or "vsock::PORT". Errors: those of
// listen_tcp(), usage.
Result<std::vector<UniqueFd>> listen_at(const std::vector<std::string>& places);

}  // namespace attestd::net
