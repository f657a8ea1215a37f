#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

namespace attestd {
namespace {

constexpr std::size_t at_once = 256;  // bytes, getrandom(2)

}  // namespace

Result<Bytes> random_bytes(std::size_t size) {
  if (size > at_once) return fail(Errc::out_of_range, "at most 256 random bytes are given at once");
  Bytes out(size);
  ATTESTD_CHECK(fill_random(out));
  return out;
}

Result<void> fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> piece = bytes.first(std::min(bytes.size(), at_once));
    ssize_t count = -1;
    do count = ::getrandom(piece.data(), piece.size(), 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno(errno, "the kernel gives no random bytes");
    if (static_cast<std::size_t>(count) != piece.size()) return fail(Errc::io, "the kernel gives too few random bytes");
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

}  // namespace attestd
