#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

namespace attestd {

Result<Bytes> random_bytes(std::size_t size) {
  constexpr std::size_t at_once = 256;
  if (size > at_once) return fail(Errc::out_of_range, "at most 256 random bytes are given at once");
  Bytes out(size);
  ssize_t count = -1;
  do count = ::getrandom(out.data(), out.size(), 0);
  while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno(errno, "the kernel gives no random bytes");
  if (static_cast<std::size_t>(count) != size) return fail(Errc::io, "the kernel gives too few random bytes");
  return out;
}

}  // namespace attestd
