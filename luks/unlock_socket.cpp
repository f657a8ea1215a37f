#include "luks/unlock_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "base/encoding.h"
#include "base/random.h"
#include "base/unix_socket.h"

namespace attestd::luks {
namespace {

using Clock = std::chrono::steady_clock;

// So that the listener knows which volume it is, before a byte is exchanged.
Result<void> bind_name(int fd, const std::string& uuid) {
  ATTESTD_TRY(const Bytes random, random_bytes(8));
  const std::string name = to_hex(random) + "/attestd-token/" + uuid;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The first byte stays zero: unix(7), abstract.
  if (name.size() + 1 > sizeof address.sun_path) return fail(Errc::usage, "the volume's UUID is too long for a name");
  std::ranges::copy(name, static_cast<char*>(address.sun_path) + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    return fail_errno(errno, "cannot name the socket that asks for the key");
  }
  return {};
}

Result<void> connect_to(int fd, const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    // EAGAIN: the listener's queue is full.
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN) {
      return fail(Errc::unavailable, "nobody unlocks volumes at " + path);
    }
    return fail_errno(errno, "cannot connect to " + path);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno(errno, "cannot see who listens");
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return fail(Errc::permission, "user " + std::to_string(peer.uid) + " listens at " + path + ", not root");
  }
  return {};
}

Result<void> wait_for_bytes(int fd, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return fail(Errc::timed_out, "no key came in time");
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for the key");
  }
}

Result<SecretBytes> read_key(int fd, Clock::time_point deadline) {
  // One more, to see that there is more.
  ATTESTD_TRY(SecretBytes key, SecretBytes::make(unlock_key_limit + 1));
  std::size_t used = 0;
  for (;;) {
    ATTESTD_CHECK(wait_for_bytes(fd, deadline));
    const auto space = key.writable().subspan(used);
    const ssize_t count = ::recv(fd, space.data(), space.size(), 0);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail_errno(errno, "cannot read the key");
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > unlock_key_limit) return fail(Errc::out_of_range, "the key has over 4096 bytes");
  }
  if (used == 0) return fail(Errc::refused, "no key was given");
  key.shrink(used);
  return key;
}

}  // namespace

Result<SecretBytes> ask_for_key(const std::string& path, const std::string& uuid, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  ATTESTD_TRY(const UniqueFd fd, unix_socket(SOCK_NONBLOCK));
  ATTESTD_CHECK(bind_name(fd.get(), uuid));
  ATTESTD_CHECK(connect_to(fd.get(), path));
  return read_key(fd.get(), deadline);
}

}  // namespace attestd::luks
