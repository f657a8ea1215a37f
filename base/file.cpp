#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace attestd {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Bytes> read_fd(int fd, const std::string& name, std::size_t limit) {
  Bytes out;
  std::array<std::byte, 16384> chunk;
  for (;;) {
    const ssize_t count = ::read(fd, chunk.data(), chunk.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno(errno, "cannot read " + name);
    }
    if (count == 0) return out;
    if (out.size() + static_cast<std::size_t>(count) > limit) {
      return fail(Errc::out_of_range, name + " is larger than the limit of " + std::to_string(limit) + " bytes");
    }
    out.insert(out.end(), chunk.begin(), chunk.begin() + count);
  }
}

Result<Bytes> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  return read_fd(fd.get(), path, limit);
}

Result<void> write_all(int fd, const std::string& name, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno(errno, "cannot write " + name);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

bool only_we_may_write(const struct ::stat& status) {
  return (status.st_uid == 0 || status.st_uid == ::geteuid()) && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Result<void> replace_file(const std::string& path, ByteView bytes, unsigned mode) {
  struct stat present{};
  if (::stat(path.c_str(), &present) == 0 && !S_ISREG(present.st_mode)) {
    // /dev/null, a terminal or a FIFO is written to; a rename would put a file in its place.
    const UniqueFd special(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!special) return fail_errno(errno, "cannot open " + path);
    return write_all(special.get(), path, bytes);
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot create a temporary file beside " + path);
  const auto write_and_rename = [&]() -> Result<void> {
    ATTESTD_CHECK(write_all(fd.get(), temporary, bytes));
    if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0)
      return fail_errno(errno, "cannot set the mode of " + temporary);
    if (::fsync(fd.get()) != 0) return fail_errno(errno, "cannot sync " + temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(errno, "cannot rename to " + path);
    return {};
  };
  if (auto done = write_and_rename(); !done) {
    ::unlink(temporary.c_str());
    return done;
  }
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return {};
}

}  // namespace attestd
