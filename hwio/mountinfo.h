// The kernel's table of mounts.
// Source: Linux Documentation/filesystems/proc.rst section 3.5; proc_pid_mountinfo(5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd::hwio {

struct MountinfoEntry {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::string root;         // which part of the filesystem is mounted
  std::string mount_point;  // octal escapes resolved
  std::string filesystem;   // "ext4", "fuse.sshfs"
  std::string source;       // octal escapes resolved
  bool read_only = false;   // the mount or its superblock
};

// One entry a line, in the kernel's order. A line that breaks the format fails
// the whole (malformed, with its offset): nothing may hide a mount from us.
Result<std::vector<MountinfoEntry>> parse_mountinfo(ByteView bytes);

}  // namespace attestd::hwio
