#include "luks/copy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"

namespace attestd::luks {
namespace {

// Reads on from the end of `buffer` until it has `size` bytes.
Result<void> read_up_to(int fd, const std::string& device, std::size_t size, Bytes& buffer) {
  std::size_t at = buffer.size();
  buffer.resize(size);
  while (at < size) {
    const ssize_t count = ::pread(fd, buffer.data() + at, size - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot read " + device + " at byte " + std::to_string(at));
    if (count == 0) {
      return fail_at(Errc::truncated, at,
                     device + " ends before its LUKS2 metadata, which has " + std::to_string(size) + " bytes");
    }
    at += static_cast<std::size_t>(count);
  }
  return {};
}

Result<std::uint64_t> size_of(int fd, const std::string& device) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, "cannot look at " + device);
  if (!S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode)) {
    return fail(Errc::usage, device + " is neither a block device nor a file");
  }
  // A block device's st_size is 0.
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return fail_errno(errno, "cannot find the end of " + device);
  return static_cast<std::uint64_t>(end);
}

std::uint64_t end_of_keyslots(const Header& header) {
  std::uint64_t end = 2 * header.primary.header_size;
  for (const Keyslot& slot : header.keyslots) end = std::max(end, slot.area_offset + slot.area_size);
  return end;
}

Result<DeviceHeader> read_header(int fd, const std::string& device, Until until) {
  DeviceHeader out;
  ATTESTD_TRY(out.device_size, size_of(fd, device));
  ATTESTD_CHECK(read_up_to(fd, device, binary_header_size, out.metadata));
  auto parsed = parse_binary_header(out.metadata, Copy::primary);
  if (!parsed) return std::unexpected(std::move(parsed).error().in(device));
  ATTESTD_CHECK(read_up_to(fd, device, 2 * parsed->header_size, out.metadata));
  ATTESTD_TRY(out.settled, settle_headers(out.metadata));
  auto header = parse_header(out.metadata, out.device_size);
  if (!header) return std::unexpected(std::move(header).error().in(device));
  out.header = *std::move(header);
  ATTESTD_CHECK(read_up_to(fd, device, until == Until::end ? out.header.metadata_size() : end_of_keyslots(out.header),
                           out.metadata));
  return out;
}

Result<void> require_memory(int fd, const std::string& path) {
  struct statfs status{};
  if (::fstatfs(fd, &status) != 0) return fail_errno(errno, "cannot look at the file system of " + path);
  if (status.f_type != TMPFS_MAGIC && status.f_type != RAMFS_MAGIC) {
    return fail(Errc::usage, path + " is not in memory (tmpfs), and what is on a disk can be changed by who owns it");
  }
  return {};
}

Result<void> fill(int fd, const std::string& temporary, const std::string& path, ByteView metadata,
                  std::uint64_t size) {
  ATTESTD_CHECK(require_memory(fd, path));
  ATTESTD_CHECK(write_all(fd, temporary, metadata));
  if (size > metadata.size() && ::ftruncate(fd, static_cast<off_t>(size)) != 0) {
    return fail_errno(errno, "cannot set the size of " + temporary);
  }
  if (::fchmod(fd, S_IRUSR) != 0) return fail_errno(errno, "cannot set the mode of " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(errno, "cannot rename to " + path);
  return {};
}

}  // namespace

Result<DeviceHeader> read_device_header(int fd, const std::string& name) { return read_header(fd, name, Until::end); }

Result<DeviceHeader> read_device_header(const std::string& device, Until until) {
  const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot open " + device);
  return read_header(fd.get(), device, until);
}

Result<void> write_header_copy(const std::string& path, ByteView metadata, std::uint64_t size) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot create a file beside " + path);
  auto done = fill(fd.get(), temporary, path, metadata, size);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace attestd::luks
