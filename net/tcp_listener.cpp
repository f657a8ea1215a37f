#include "net/tcp_listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

namespace attestd {
namespace {

constexpr int backlog = 256;

struct HostAndPort {
  std::string host, port;
};

Result<HostAndPort> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    return fail(Errc::usage, "\"" + address + "\" is not ADDRESS:PORT, such as 127.0.0.1:9743 or [::1]:9743");
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return fail(Errc::usage, "an IPv6 address is written in brackets: [" + host + "]" + address.substr(colon));
  }
  return HostAndPort{std::move(host), address.substr(colon + 1)};
}

}  // namespace

Result<UniqueFd> listen_tcp(const std::string& address) {
  ATTESTD_TRY(const HostAndPort place, split(address));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(place.host.empty() ? nullptr : place.host.c_str(), place.port.c_str(), &hints, &found);
  if (status != 0) return fail(Errc::unavailable, "cannot listen at " + address + ": " + ::gai_strerror(status));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno(errno, "cannot make a socket for " + address);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), backlog) != 0) {
    const int saved = errno;
    auto error = fail_errno(saved, "cannot listen at " + address);
    if (saved == EADDRINUSE) error.error().code = Errc::busy;
    return error;
  }
  return socket;
}

}  // namespace attestd
