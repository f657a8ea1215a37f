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

// Root's, or our own.
Result<void> require_our_peer(int fd, const std::string& doing) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno(errno, "cannot see who " + doing);
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return fail(Errc::permission, "user " + std::to_string(peer.uid) + " " + doing + ", not root");
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
  return require_our_peer(fd, "listens at " + path);
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

Result<std::string> uuid_of_address(std::string_view address) {
  constexpr std::string_view kind = "/attestd-token/";
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (address.starts_with('\0')) {
    address.remove_prefix(1);
    const std::size_t digits = address.find(kind);
    if (digits != std::string_view::npos && digits > 0 && std::ranges::all_of(address.substr(0, digits), is_hex)) {
      const std::string_view uuid = address.substr(digits + kind.size());
      const bool good = std::ranges::equal(
          uuid, shape, [&](char c, char expected) { return expected == '-' ? c == '-' : is_hex(c); });
      if (good) return std::string(uuid);
    }
  }
  return fail(Errc::malformed, "who asks for a key does not say for which volume, as cryptsetup's plugin does");
}

Result<std::string> uuid_of_peer(int connection) {
  ATTESTD_CHECK(require_our_peer(connection, "asks for a key"));
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno(errno, "cannot see who asks for a key");
  }
  const std::size_t begin = offsetof(sockaddr_un, sun_path);
  const auto* const path = static_cast<const char*>(address.sun_path);
  return uuid_of_address({path, size > begin ? size - begin : 0});
}

Result<SecretBytes> ask_for_key(const std::string& path, const std::string& uuid, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  ATTESTD_TRY(const UniqueFd fd, unix_socket(SOCK_NONBLOCK));
  ATTESTD_CHECK(bind_name(fd.get(), uuid));
  ATTESTD_CHECK(connect_to(fd.get(), path));
  return read_key(fd.get(), deadline);
}

}  // namespace attestd::luks
