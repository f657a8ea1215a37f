// Files and descriptors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

struct stat;  // <sys/stat.h>

namespace attestd {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

// Reads to the end of file, whatever stat says of the size (sysfs, configfs and
// securityfs files lie). More than `limit` bytes is out_of_range. EINTR is retried.
Result<Bytes> read_file(const std::string& path, std::size_t limit);
Result<Bytes> read_fd(int fd, const std::string& name, std::size_t limit);
inline constexpr std::size_t default_file_limit = std::size_t{16} << 20U;

// Nobody but root and the caller's effective user may write it, by owner and mode.
bool only_we_may_write(const struct ::stat& status);

// Writes all of it, retrying short writes and EINTR.
Result<void> write_all(int fd, const std::string& name, ByteView bytes);

// Replaces `path` so that readers see the old or the new contents and a crash
// leaves one of them: temporary file beside it, fsync, rename, fsync of the folder.
// What is no regular file (/dev/null, a FIFO) stays and is written to.
Result<void> replace_file(const std::string& path, ByteView bytes, unsigned mode);

}  // namespace attestd
