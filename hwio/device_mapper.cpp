#include "hwio/device_mapper.h"

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace attestd::hwio {
namespace {

constexpr std::size_t first_size = std::size_t{16} << 10U;  // bytes of one answer
constexpr std::size_t largest_size = std::size_t{1} << 20U;
constexpr std::uint32_t ima_minor = 45;  // of the interface's version, from which on it has DM_IMA_MEASUREMENT_FLAG
constexpr std::size_t name_offset = offsetof(dm_name_list, name);

struct Answer {
  dm_ioctl header = {};
  Bytes data;
};

template <class T>
bool read_at(ByteView bytes, std::size_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

// Up to its zero byte, which must be there.
Result<std::string> text_at(ByteView bytes, std::size_t offset) {
  const std::string_view all = as_text(bytes);
  const std::size_t end = offset <= all.size() ? all.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos) return fail(Errc::malformed, "device-mapper's answer ends within a text");
  return std::string(all.substr(offset, end - offset));
}

// `request` with a buffer behind it that is large enough for the answer.
Result<Answer> ask(IoctlDevice& control, unsigned long number, dm_ioctl request) {
  for (std::size_t size = first_size; size <= largest_size; size *= 2) {
    Bytes buffer(size);
    // The oldest version: what is asked for has been there ever since.
    request.version[0] = DM_VERSION_MAJOR;
    request.data_size = static_cast<std::uint32_t>(size);
    request.data_start = sizeof request;
    std::memcpy(buffer.data(), &request, sizeof request);
    if (const int error = control.ioctl(number, buffer.data()); error != 0) {
      return fail_errno(error, "cannot ask " + control.where());
    }
    Answer out;
    std::memcpy(&out.header, buffer.data(), sizeof out.header);
    if ((out.header.flags & DM_BUFFER_FULL_FLAG) != 0) continue;
    if (out.header.data_start > size || out.header.data_size > size) {
      return fail(Errc::malformed, "device-mapper's answer is longer than what was given to it");
    }
    const std::size_t begin = std::min<std::size_t>(out.header.data_start, out.header.data_size);
    out.data.assign(buffer.begin() + static_cast<std::ptrdiff_t>(begin),
                    buffer.begin() + static_cast<std::ptrdiff_t>(out.header.data_size));
    return out;
  }
  return fail(Errc::out_of_range, "device-mapper's answer is longer than 1 MiB");
}

Result<std::vector<std::pair<std::uint64_t, std::string>>> list_devices(IoctlDevice& control) {
  ATTESTD_TRY(const Answer answer, ask(control, DM_LIST_DEVICES, {}));
  std::vector<std::pair<std::uint64_t, std::string>> out;
  for (std::size_t offset = 0;;) {
    std::uint64_t device = 0;
    std::uint32_t next = 0;
    // No devices at all: the first entry has the number 0, or there is none.
    if (!read_at(answer.data, offset, device) || device == 0) return out;
    if (!read_at(answer.data, offset + sizeof device, next)) {
      return fail(Errc::malformed, "device-mapper's list ends within an entry");
    }
    ATTESTD_TRY(std::string name, text_at(answer.data, offset + name_offset));
    out.emplace_back(device, std::move(name));
    if (next == 0) return out;
    if (next > answer.data.size() - offset) return fail(Errc::malformed, "device-mapper's list leads out of it");
    offset += next;
  }
}

Result<std::vector<MappedTarget>> targets_of(IoctlDevice& control, std::uint64_t device) {
  dm_ioctl request = {};
  request.dev = device;
  request.flags = DM_NOFLUSH_FLAG | DM_IMA_MEASUREMENT_FLAG;
  ATTESTD_TRY(const Answer answer, ask(control, DM_TABLE_STATUS, request));
  // An older kernel takes no notice of the flag and tells something else.
  const bool for_ima = answer.header.version[1] >= ima_minor;
  std::vector<MappedTarget> out;
  std::size_t offset = 0;
  for (std::uint32_t i = 0; i < answer.header.target_count; ++i) {
    dm_target_spec spec = {};
    if (!read_at(answer.data, offset, spec)) return fail(Errc::malformed, "device-mapper's table ends within a target");
    MappedTarget target;
    const std::string_view type(static_cast<const char*>(spec.target_type), sizeof spec.target_type);
    target.type = type.substr(0, type.find('\0'));
    if (for_ima) {
      ATTESTD_TRY(target.status, text_at(answer.data, offset + sizeof spec));
    }
    out.push_back(std::move(target));
    // From the first target on, not from this one.
    if (i + 1 < answer.header.target_count && spec.next <= offset) {
      return fail(Errc::malformed, "device-mapper's table leads backwards");
    }
    offset = spec.next;
  }
  return out;
}

}  // namespace

Result<std::vector<MappedDevice>> read_mapped_devices(IoctlDevice& control) {
  ATTESTD_TRY(const auto devices, list_devices(control));
  std::vector<MappedDevice> out;
  for (const auto& [number, name] : devices) {
    auto targets = targets_of(control, number);
    // Gone since it was listed.
    if (!targets && targets.error().os_error == ENXIO) continue;
    if (!targets) return std::unexpected(std::move(targets).error().in(name));
    out.push_back({std::to_string(gnu_dev_major(number)) + ":" + std::to_string(gnu_dev_minor(number)), name,
                   *std::move(targets)});
  }
  return out;
}

}  // namespace attestd::hwio
