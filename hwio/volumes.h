// Mounted volumes as the kernel's own tables show them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd::hwio {

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
  // Of each LUKS2 volume in the stack, once: "6a1e2d3c-0000-4000-8000-00000000000a".
  std::vector<std::string> luks_uuids{};
};

// All filesystems that keep data, from `proc_mountinfo` and `sys_dev_block`
// (/sys/dev/block), in the order of mounting. Pseudo filesystems, those in
// memory, and mounts that another one hides are left out. Give /proc/1/mountinfo,
// which everybody may read: a sandboxed unit's own table hides what its sandbox
// hides (ProtectHome=) and calls everything read-only (ProtectSystem=).
Result<std::vector<MountedVolume>> read_mounted_volumes(const std::string& proc_mountinfo,
                                                        const std::string& sys_dev_block);

}  // namespace attestd::hwio
