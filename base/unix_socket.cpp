#include "base/unix_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace attestd {

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Errc::usage, "the path \"" + path + "\" of a socket must have 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " characters");
  }
  std::copy(path.begin(), path.end(), static_cast<char*>(address.sun_path));
  return address;
}

Result<UniqueFd> unix_socket(int flags) {
  UniqueFd out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!out) return fail_errno(errno, "cannot make a socket");
  return out;
}

}  // namespace attestd
