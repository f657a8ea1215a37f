#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace attestd {

Result<UniqueFd> open_regular_file(const std::string& path) {
  // O_NONBLOCK: open(2) of a FIFO waits for its other end.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd && errno == ENXIO) return fail(Errc::refused, path + " is no regular file");  // a socket
  if (!fd) return fail_errno(errno, "cannot open " + path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot look at " + path);
  if (!S_ISREG(status.st_mode)) return fail(Errc::refused, path + " is no regular file");
  return fd;
}

Result<Bytes> read_regular_file(const std::string& path, std::size_t limit) {
  ATTESTD_TRY(const UniqueFd fd, open_regular_file(path));
  return read_fd(fd.get(), path, limit);
}

}  // namespace attestd
