#include "luks/header_change.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "luks/device_lock.h"

namespace attestd::luks {
namespace {

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const Range&) const = default;
};

std::vector<Range> areas_of(const Header& header) {
  std::vector<Range> out;
  for (const Keyslot& slot : header.keyslots) out.push_back({slot.area_offset, slot.area_size});
  return out;
}

bool overlaps(const Range& a, const std::vector<Range>& others) {
  return std::ranges::any_of(
      others, [&](const Range& b) { return a.offset < b.offset + b.size && b.offset < a.offset + a.size; });
}

ByteView bytes_at(const DeviceHeader& header, const Range& range) {
  return ByteView(header.metadata).subspan(range.offset, range.size);
}

HeaderWrite write_of(std::string what, const DeviceHeader& header, const Range& range) {
  return {std::move(what), range.offset, to_bytes(bytes_at(header, range))};
}

Range place_of(const DeviceHeader& header, Copy copy) {
  const std::uint64_t size = header.header.primary.header_size;
  return {copy == Copy::primary ? 0 : size, size};
}

Result<void> check_alike(const DeviceHeader& before, const DeviceHeader& after) {
  const bool alike = before.metadata.size() == after.metadata.size() &&
                     before.metadata.size() == before.header.metadata_size() &&
                     before.header.primary.header_size == after.header.primary.header_size &&
                     before.header.primary.uuid == after.header.primary.uuid;
  if (!alike) return fail(Errc::mismatch, "the new LUKS2 header is not one of the same volume");
  // Who reads the two takes the one with the higher sequence.
  if (after.header.primary.sequence <= before.header.primary.sequence) {
    return fail(Errc::mismatch, "the new LUKS2 header does not say that it is the newer one");
  }
  return {};
}

Result<void> write_at(int fd, const std::string& device, const HeaderWrite& write) {
  std::size_t done = 0;
  while (done < write.bytes.size()) {
    const ssize_t count =
        ::pwrite(fd, write.bytes.data() + done, write.bytes.size() - done, static_cast<off_t>(write.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot write " + write.what + " of " + device);
    done += static_cast<std::size_t>(count);
  }
  if (::fsync(fd) != 0) return fail_errno(errno, "cannot flush " + write.what + " of " + device);
  return {};
}

}  // namespace

Result<std::vector<HeaderWrite>> plan_header_change(const DeviceHeader& before, const DeviceHeader& after) {
  ATTESTD_CHECK(check_alike(before, after));
  const std::vector<Range> old_areas = areas_of(before.header);
  const std::vector<Range> new_areas = areas_of(after.header);
  std::vector<HeaderWrite> out;
  if (before.settled) out.push_back(write_of("the header that was damaged", before, place_of(before, *before.settled)));
  for (const Range& area : new_areas) {
    if (std::ranges::equal(bytes_at(before, area), bytes_at(after, area))) continue;
    if (overlaps(area, old_areas)) {
      return fail(Errc::refused, "the new LUKS2 header puts a key where the old one has another");
    }
    out.push_back(write_of("a keyslot's area", after, area));
  }
  out.push_back(write_of("the secondary header", after, place_of(after, Copy::secondary)));
  out.push_back(write_of("the primary header", after, place_of(after, Copy::primary)));
  for (const Range& area : old_areas) {
    if (overlaps(area, new_areas) || std::ranges::equal(bytes_at(before, area), bytes_at(after, area))) continue;
    out.push_back(write_of("a removed keyslot's area", after, area));
  }
  return out;
}

Result<void> write_header_change(const std::string& device, const DeviceHeader& before, const DeviceHeader& after,
                                 const BeforeWrite& before_write) {
  ATTESTD_TRY(const std::vector<HeaderWrite> plan, plan_header_change(before, after));
  const UniqueFd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot open " + device + " to write its header");
  ATTESTD_TRY(const DeviceLock lock, DeviceLock::take(fd.get(), device));
  ATTESTD_TRY(const DeviceHeader now, read_device_header(fd.get(), device));
  if (now.metadata != before.metadata || now.device_size != before.device_size) {
    return fail(Errc::changed, "the LUKS2 header of " + device + " was changed by somebody else meanwhile: try again");
  }
  for (const HeaderWrite& write : plan) {
    if (before_write) ATTESTD_CHECK(before_write(write));
    ATTESTD_CHECK(write_at(fd.get(), device, write));
  }
  return {};
}

}  // namespace attestd::luks
