#include "client/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace attestd {
namespace {

bool names_descriptor(const std::string& path) {
  return path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

}  // namespace

Result<Bytes> read_input(const std::string& path, std::size_t limit) {
  if (path == "-") return read_fd(STDIN_FILENO, "standard input", limit);
  if (names_descriptor(path)) return read_file(path, limit);
  // Without O_NONBLOCK the opening of a FIFO waits for its writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot look at " + path);
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::usage, path + " is no regular file: to read from a pipe or a device, redirect it and name \"-\"");
  }
  return read_fd(fd.get(), path, limit);
}

}  // namespace attestd
