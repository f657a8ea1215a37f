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
  // "crypt-plain", "integrity", "verity", "linear", "raid", or the DM UUID's prefix.
  std::vector<std::string> layers;
};

// Filesystems on block devices (and overlay's), from `proc_mountinfo`
// (/proc/self/mountinfo) and `sys_dev_block` (/sys/dev/block). Pseudo
// filesystems are left out.
Result<std::vector<MountedVolume>> read_mounted_volumes(const std::string& proc_mountinfo,
                                                        const std::string& sys_dev_block);

}  // namespace attestd::hwio
