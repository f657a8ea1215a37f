#include "unlock/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace attestd::unlock {
namespace {

constexpr std::uint64_t blank_ends = std::uint64_t{16} << 20U;  // bytes
constexpr std::uint64_t blank_places = 1024;
constexpr std::size_t piece = std::size_t{64} << 10U;

Result<bool> zeros(const Disk& disk, std::uint64_t from, std::uint64_t to) {
  Bytes buffer(piece);
  while (from < to) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(piece, to - from));
    ATTESTD_CHECK(disk.read(from, part));
    if (!all_zero(part)) return false;
    from += part.size();
  }
  return true;
}

}  // namespace

Result<Disk> Disk::open(const std::string& path, Access access) {
  Disk out;
  out.path_ = path;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, "cannot find " + path);
  if (!S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode)) {
    return fail(Errc::usage, path + " is neither a block device nor a file");
  }
  // Without O_CREAT, O_EXCL is defined for block devices alone: open(2).
  const int exclusive = S_ISBLK(status.st_mode) ? O_EXCL : 0;
  const int mode = access == Access::write ? O_RDWR | exclusive : O_RDONLY;
  out.fd_ = UniqueFd(::open(path.c_str(), mode | O_CLOEXEC | O_NOCTTY));
  if (!out.fd_) return fail_errno(errno, "cannot open " + path);
  const off_t end = ::lseek(out.fd_.get(), 0, SEEK_END);
  if (end < 0) return fail_errno(errno, "cannot find the end of " + path);
  out.size_ = static_cast<std::uint64_t>(end);
  return out;
}

Result<void> Disk::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot read " + path_ + " at byte " + std::to_string(offset));
    if (count == 0) return fail_at(Errc::truncated, offset, path_ + " ends");
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> Disk::write(std::uint64_t offset, ByteView bytes) {
  // A file would grow.
  if (offset > size_ || bytes.size() > size_ - offset) {
    return fail_at(Errc::internal, offset, "nothing is written past the end of " + path_);
  }
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot write " + path_ + " at byte " + std::to_string(offset));
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> Disk::flush() {
  if (::fdatasync(fd_.get()) != 0) return fail_errno(errno, "cannot flush " + path_);
  return {};
}

void Disk::forget_cache() const { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

Result<bool> looks_blank(const Disk& disk) {
  const std::uint64_t size = disk.size();
  const std::uint64_t ends = std::min(blank_ends, size);
  ATTESTD_TRY(const bool head, zeros(disk, 0, ends));
  if (!head) return false;
  ATTESTD_TRY(const bool tail, zeros(disk, size - ends, size));
  if (!tail) return false;
  const std::uint64_t step = size / blank_places;
  for (std::uint64_t i = 1; step > 0 && i < blank_places; ++i) {
    ATTESTD_TRY(const bool between, zeros(disk, i * step, std::min(i * step + piece, size)));
    if (!between) return false;
  }
  return true;
}

}  // namespace attestd::unlock
