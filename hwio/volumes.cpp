#include "hwio/volumes.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/file.h"
#include "hwio/directory_stream_internal.h"
#include "hwio/mountinfo.h"

namespace attestd::hwio {
namespace {

constexpr std::size_t mountinfo_limit = std::size_t{4} << 20U;  // bytes
constexpr std::size_t sysfs_limit = 4096;                       // bytes: one page
constexpr unsigned deepest_stack = 16;                          // block devices on top of each other

// Filesystems that keep nothing anywhere: kernel interfaces and memory.
constexpr std::array pseudo_filesystems = {
    "autofs",     "binder",     "binfmt_misc", "bpf",      "cgroup",  "cgroup2",   "configfs",
    "debugfs",    "devpts",     "devtmpfs",    "efivarfs", "fusectl", "hugetlbfs", "mqueue",
    "nfsd",       "nsfs",       "proc",        "pstore",   "ramfs",   "resctrl",   "rootfs",
    "rpc_pipefs", "securityfs", "selinuxfs",   "smackfs",  "sysfs",   "tmpfs",     "tracefs"};

// Filesystems whose contents another machine, or the host, keeps.
constexpr std::array remote_filesystems = {"9p",  "afs",  "ceph",  "cifs", "gfs2",
                                           "nfs", "nfs4", "ocfs2", "smb3", "virtiofs"};

template <std::size_t N>
bool contains(const std::array<const char*, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The first line of a sysfs attribute, empty when there is none.
std::string attribute(const std::string& path) {
  const auto bytes = read_file(path, sysfs_limit);
  if (!bytes) return {};
  const std::string_view text = as_text(*bytes);
  return std::string(text.substr(0, text.find('\n')));
}

// Device-mapper UUIDs start with what made the device: "CRYPT-LUKS2-<UUID>-<name>",
// "LVM-<UUIDs>". Source: cryptsetup lib/utils_dm.h, device-mapper's dm_build_dm_uuid.
std::string device_mapper_layer(const std::string& device) {
  const std::string uuid = attribute(device + "/dm/uuid");
  const std::string name = attribute(device + "/dm/name");
  if (uuid.empty()) return "device-mapper";
  // The integrity device that dm-crypt's authenticated modes lie on.
  if (uuid.starts_with("CRYPT-SUBDEV-")) return name.ends_with("_dif") ? "integrity" : "crypt-subdevice";
  const std::size_t dash = uuid.find('-');
  std::string layer = uuid.substr(0, dash);
  if (layer == "CRYPT" && dash != std::string::npos) {
    const std::string kind = uuid.substr(dash + 1, uuid.find('-', dash + 1) - dash - 1);
    layer = kind == "INTEGRITY" || kind == "VERITY" ? kind : "CRYPT-" + kind;
  }
  // A partition table that kpartx mapped: "part1-".
  if (layer.starts_with("part")) return "partition";
  std::transform(layer.begin(), layer.end(), layer.begin(), [](char c) {
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return letter_or_digit ? c : '_';
  });
  return layer;
}

std::vector<std::string> slaves_of(const std::string& device) {
  std::vector<std::string> paths;
  const std::string folder = device + "/slaves";
  const DirectoryStream directory(::opendir(folder.c_str()));
  if (!directory) return paths;
  // readdir on a stream that no other thread has is safe.
  while (const dirent* item = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view name = item->d_name;
    if (!name.starts_with('.')) paths.push_back(folder + "/" + std::string(name));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// `device` is the sysfs folder of a block device.
std::vector<std::string> layers_of(const std::string& device, unsigned depth = 0) {
  if (depth > deepest_stack) return {"unknown"};
  std::vector<std::string> layers;
  if (exists(device + "/partition")) {
    layers.emplace_back("partition");
    // The folder of the whole disk holds that of the partition.
    const auto below = layers_of(device + "/..", depth + 1);
    layers.insert(layers.end(), below.begin(), below.end());
    return layers;
  }
  if (exists(device + "/dm")) {
    layers.push_back(device_mapper_layer(device));
  } else if (exists(device + "/md")) {
    layers.emplace_back("raid");
  } else if (exists(device + "/loop/backing_file")) {
    layers.emplace_back("loop");
    return layers;
  }
  const std::vector<std::string> slaves = slaves_of(device);
  if (slaves.empty()) {
    if (layers.empty()) layers.emplace_back(exists(device) ? "disk" : "unknown");
    return layers;
  }
  // With several devices below, only what all of them have protects the whole.
  const auto below = layers_of(slaves.front(), depth + 1);
  const bool alike = std::all_of(slaves.begin() + 1, slaves.end(),
                                 [&](const std::string& slave) { return layers_of(slave, depth + 1) == below; });
  if (alike) {
    layers.insert(layers.end(), below.begin(), below.end());
  } else {
    layers.emplace_back("mixed");
  }
  return layers;
}

// Of "CRYPT-LUKS2-<32 hex digits>-<name>"; nothing when it is no such volume.
std::optional<LuksVolume> luks_volume_of(const std::string& device) {
  constexpr std::string_view prefix = "CRYPT-LUKS2-";
  constexpr std::size_t digits = 32;
  const std::string uuid = attribute(device + "/dm/uuid");
  if (!uuid.starts_with(prefix) || uuid.size() <= prefix.size() + digits || uuid[prefix.size() + digits] != '-') {
    return std::nullopt;
  }
  LuksVolume out{uuid.substr(prefix.size(), digits), uuid.substr(prefix.size() + digits + 1)};
  const bool hex = std::all_of(out.uuid.begin(), out.uuid.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex) return std::nullopt;
  for (const std::size_t at : {20U, 16U, 12U, 8U}) out.uuid.insert(at, 1, '-');
  return out;
}

void collect_devices(const std::string& device, MountedVolume& into, unsigned depth = 0) {
  if (depth > deepest_stack) return;
  if (auto volume = luks_volume_of(device);
      volume && std::find(into.luks.begin(), into.luks.end(), *volume) == into.luks.end()) {
    into.luks.push_back(*std::move(volume));
  }
  if (exists(device + "/dm")) {
    std::string number = attribute(device + "/dev");
    const bool known = std::any_of(into.mapped.begin(), into.mapped.end(),
                                   [&](const MappedLayer& one) { return one.number == number; });
    if (!known) into.mapped.push_back({std::move(number), device_mapper_layer(device)});
  }
  if (exists(device + "/partition")) collect_devices(device + "/..", into, depth + 1);
  for (const std::string& slave : slaves_of(device)) collect_devices(slave, into, depth + 1);
}

std::string device_folder(const std::string& sys_dev_block, unsigned major_number, unsigned minor_number) {
  return sys_dev_block + "/" + std::to_string(major_number) + ":" + std::to_string(minor_number);
}

// Of a filesystem that is on a block device; else empty.
std::string device_of_mount(const MountinfoEntry& entry, const std::string& sys_dev_block) {
  if (entry.major != 0) return device_folder(sys_dev_block, entry.major, entry.minor);
  // btrfs and its like have device numbers of their own, and name the device.
  struct stat status = {};
  if (entry.source.starts_with("/dev/") && ::stat(entry.source.c_str(), &status) == 0 && S_ISBLK(status.st_mode)) {
    return device_folder(sys_dev_block, gnu_dev_major(status.st_rdev), gnu_dev_minor(status.st_rdev));
  }
  return {};
}

std::vector<std::string> layers_of_mount(const MountinfoEntry& entry, const std::string& device) {
  if (entry.major == 0) {
    if (entry.filesystem == "overlay") return {"overlay"};
    if (contains(remote_filesystems, entry.filesystem)) return {"remote"};
    if (entry.filesystem == "fuse" || entry.filesystem.starts_with("fuse.")) return {"fuse"};
  }
  return device.empty() ? std::vector<std::string>{"unknown"} : layers_of(device);
}

}  // namespace

Result<std::vector<MountedVolume>> read_mounted_volumes(const std::string& proc_mountinfo,
                                                        const std::string& sys_dev_block) {
  ATTESTD_TRY(const Bytes bytes, read_file(proc_mountinfo, mountinfo_limit));
  auto entries = parse_mountinfo(bytes);
  if (!entries) return std::unexpected(std::move(entries).error().in(proc_mountinfo));
  std::vector<MountedVolume> volumes;
  for (MountinfoEntry& entry : *entries) {
    // What is mounted over hides what was there before.
    std::erase_if(volumes, [&](const MountedVolume& volume) { return volume.mount_point == entry.mount_point; });
    if (entry.major == 0 && contains(pseudo_filesystems, entry.filesystem)) continue;
    const std::string device = device_of_mount(entry, sys_dev_block);
    auto layers = layers_of_mount(entry, device);
    MountedVolume volume{std::move(entry.mount_point), std::move(entry.source), std::move(entry.filesystem),
                         entry.read_only, std::move(layers)};
    if (!device.empty()) collect_devices(device, volume);
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

}  // namespace attestd::hwio
