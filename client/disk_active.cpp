#include "client/disk_active.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "evidence/mapped_devices.h"

namespace attestd {
namespace {

constexpr std::size_t attribute_limit = 4096;
constexpr unsigned deepest_stack = 8;
constexpr std::string_view luks2_prefix = "CRYPT-LUKS2-";
constexpr std::size_t uuid_digits = 32;

std::string attribute(const std::string& path) {
  const auto bytes = read_file(path, attribute_limit);
  return bytes ? std::string(trimmed(as_text(*bytes), "\n")) : std::string();
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) out.push_back(entry.path().filename());
  std::ranges::sort(out);
  return out;
}

// "CRYPT-LUKS2-6a1e2d3c000040008000000000000000a-root" without dashes; with them, or nothing.
std::string luks_uuid(std::string_view dm_uuid) {
  if (!dm_uuid.starts_with(luks2_prefix)) return {};
  const std::string_view digits = dm_uuid.substr(luks2_prefix.size(), uuid_digits);
  if (digits.size() != uuid_digits) return {};
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += digits[i];
  }
  return out;
}

// What holds the header: the device below, and below dm-integrity's where there is one.
std::string bottom_of(const std::string& sys_block, std::string node) {
  for (unsigned depth = 0; depth < deepest_stack; ++depth) {
    const auto slaves = names_in(sys_block + "/" + node + "/slaves");
    if (slaves.size() != 1) return {};
    node = slaves.front();
    if (!attribute(sys_block + "/" + node + "/dm/uuid").starts_with("CRYPT-SUBDEV-")) return "/dev/" + node;
  }
  return {};
}

}  // namespace

std::vector<ActiveVolume> active_volumes(const std::string& sys_block) {
  std::vector<ActiveVolume> out;
  for (const std::string& node : names_in(sys_block)) {
    const std::string folder = sys_block + "/" + node;
    std::string uuid = luks_uuid(attribute(folder + "/dm/uuid"));
    if (uuid.empty()) continue;
    out.push_back({attribute(folder + "/dm/name"), node, std::move(uuid), bottom_of(sys_block, node)});
  }
  return out;
}

Result<std::string> active_cipher(const std::vector<hwio::MappedDevice>& devices, const std::string& name) {
  const auto found = std::ranges::find(devices, name, &hwio::MappedDevice::name);
  if (found == devices.end()) return fail(Errc::not_found, "there is no mapping " + name);
  MappedDeviceReport report{found->number, found->name, {}};
  for (const hwio::MappedTarget& target : found->targets) report.targets.push_back({target.type, target.status});
  ATTESTD_TRY(const std::vector<StorageMapping> mappings, mappings_of(report, {}));
  if (mappings.size() != 1 || mappings.front().target != "crypt") {
    return fail(Errc::not_found, "mapping " + name + " is none of dm-crypt alone");
  }
  if (mappings.front().cipher.empty()) return fail(Errc::unavailable, "the kernel does not say it (before Linux 5.15)");
  return mappings.front().cipher;
}

std::string kernel_cipher(std::string_view encryption, std::string_view integrity) {
  if (integrity.empty()) return std::string(encryption);
  const std::size_t first = encryption.find('-');
  const std::size_t last = encryption.rfind('-');
  if (first == std::string_view::npos) return {};
  const std::string cipher(encryption.substr(0, first));
  const std::string iv(encryption.substr(last + 1));
  const std::string mode(first == last ? "" : encryption.substr(first + 1, last - first - 1));
  const std::string within = mode.empty() ? cipher : mode + "(" + cipher + ")";
  if (integrity == "poly1305") return "capi:rfc7539(" + within + ",poly1305)-" + iv;
  if (integrity == "aead") return (mode == "ccm" ? "capi:rfc4309(" + within + ")-" : "capi:" + within + "-") + iv;
  return "capi:authenc(" + std::string(integrity) + "," + within + ")-" + iv;
}

}  // namespace attestd
