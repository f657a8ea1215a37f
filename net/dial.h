// A TCP connection to a name, by whichever of its addresses answers.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "base/file.h"

namespace attestd::net {

using Deadline = std::chrono::steady_clock::time_point;

// Waits for `events` of poll(2). Errors: timed_out, io.
Result<void> wait_for(int fd, short events, Deadline deadline);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// The first that answers. They are tried in this order, the next one when one fails or after 250 ms (RFC 8305
// section 5). The socket does not block. Errors: unavailable (the reason of the last that failed), timed_out, io.
Result<UniqueFd> dial_first(std::span<const SocketAddress> addresses, Deadline deadline);

// The same of a name's, in getaddrinfo's order; resolved by glibc, so as nsswitch.conf and resolv.conf say. An
// address is not looked up. Errors: also unavailable (no such host).
Result<UniqueFd> dial(const std::string& host, std::uint16_t port, Deadline deadline);

}  // namespace attestd::net
