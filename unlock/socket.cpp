#include "unlock/socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace attestd::unlock {
namespace {

constexpr std::string_view middle = "/cryptsetup/";
constexpr int first_passed = 3;  // SD_LISTEN_FDS_START

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

Result<UniqueFd> passed_listener() {
  const char* const count = std::getenv("LISTEN_FDS");  // NOLINT(concurrency-mt-unsafe): one thread
  const char* const pid = std::getenv("LISTEN_PID");    // NOLINT(concurrency-mt-unsafe)
  if (count == nullptr || pid == nullptr || std::string_view(count) != "1" ||
      std::string_view(pid) != std::to_string(::getpid())) {
    return fail(Errc::usage,
                "the service manager has passed no socket: attestd-unlock is started by one, or with --once");
  }
  return UniqueFd(first_passed);
}

Result<UniqueFd> accept_from(int listener) {
  int connection = -1;
  do connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (connection < 0) return fail_errno(errno, "cannot accept who asks for a key");
  return UniqueFd(connection);
}

}  // namespace attestd::unlock
