// The tables of device-mapper that the kernel works with now.
// Source: Linux include/uapi/linux/dm-ioctl.h.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "hwio/ioctl_device.h"

namespace attestd::hwio {

inline constexpr std::string_view device_mapper_control = "/dev/mapper/control";

struct MappedTarget {
  std::string type;  // "crypt", "verity", "linear"
  // What the kernel would have IMA measure of it (Documentation/admin-guide/device-mapper/dm-ima.rst):
  // "target_name=crypt,target_version=1.23.0,…;", without keys. Empty before Linux 5.15, and for targets
  // that say nothing.
  std::string status;
};

struct MappedDevice {
  std::string number;                 // "254:0"
  std::string name;                   // "root"
  std::vector<MappedTarget> targets;  // in the order of sectors; none: no table is loaded
};

// All devices. Needs CAP_SYS_ADMIN. Never asks for tables in their other form, which has keys in it. Errors:
// permission, io, out_of_range (more than 1 MiB of them), malformed (the kernel's answer is not understood).
Result<std::vector<MappedDevice>> read_mapped_devices(IoctlDevice& control);

}  // namespace attestd::hwio
