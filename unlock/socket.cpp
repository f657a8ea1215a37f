#include "unlock/socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace attestd::unlock {
namespace {

constexpr std::string_view middle = "/cryptsetup/";

bool is_hex(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<std::string> volume_of_address(std::string_view address) {
  const auto other = [] { return fail(Errc::malformed, "who asks for a key is not systemd-cryptsetup"); };
  if (address.size() < 2 || address.front() != '\0') return other();
  address.remove_prefix(1);
  const std::size_t at = address.find(middle);
  if (at == std::string_view::npos || !is_hex(address.substr(0, at))) return other();
  const std::string_view name = address.substr(at + middle.size());
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string_view::npos ||
      name.find('\0') != std::string_view::npos) {
    return other();
  }
  return std::string(name);
}

Result<std::string> volume_of_peer(int connection) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno(errno, "cannot tell who asks for a key");
  }
  const std::size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
  return volume_of_address({address.sun_path, length});
}

Result<UniqueFd> accept_from(int listener) {
  int connection = -1;
  do connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (connection < 0) return fail_errno(errno, "cannot accept who asks for a key");
  return UniqueFd(connection);
}

}  // namespace attestd::unlock
