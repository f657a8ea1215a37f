// Mounted volumes as the kernel's own tables show them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd::hwio {

// One device of device-mapper's.
struct MappedLayer {
  std::string number;  // "254:0"
  std::string layer;   // as in MountedVolume::layers
};

// A LUKS2 volume that is open, by its device-mapper UUID "CRYPT-LUKS2-<UUID without dashes>-<name>", which stays when
// the device is renamed. Whoever can write to the disk chooses `uuid`; `name` is chosen by who opened it.
struct LuksVolume {
  std::string uuid;  // "6a1e2d3c-0000-4000-8000-00000000000a"
  std::string name;  // "root"; cut off where it is longer than 83 bytes
  bool operator==(const LuksVolume&) const = default;
};

struct MountedVolume {
  std::string mount_point;
  std::string source;  // as mountinfo has it
  std::string filesystem;
  bool read_only = false;
  // From the mounted block device down: "crypt-luks2", "crypt-luks1",
  // "crypt-plain", "integrity", "verity", "raid", "loop", "partition", "disk", or
  // the DM UUID's prefix in lower case ("lvm"). Several devices side by side count
  // once when their layers are the same and as "mixed" when not. Filesystems that
  // are on no block device: "overlay", "remote", "fuse", "unknown". These are names
  // that the guest's own tools gave: a LUKS2 volume with a null cipher also says
  // "crypt-luks2".
  std::vector<std::string> layers;
  // Each LUKS2 volume in the stack, once; several may have one UUID.
  std::vector<LuksVolume> luks{};
  // Of device-mapper, all that are in the stack, also side by side; each once.
  std::vector<MappedLayer> mapped{};
};

// All filesystems that keep data, from `proc_mountinfo` and `sys_dev_block`
// (/sys/dev/block), in the order of mounting. Pseudo filesystems, those in
// memory, and mounts that another one hides are left out. Give /proc/1/mountinfo,
// which everybody may read: a sandboxed unit's own table hides what its sandbox
// hides (ProtectHome=) and calls everything read-only (ProtectSystem=).
Result<std::vector<MountedVolume>> read_mounted_volumes(const std::string& proc_mountinfo,
                                                        const std::string& sys_dev_block);

}  // namespace attestd::hwio
