// What is in use on the devices of a volume's stack. device-mapper's tables need CAP_SYS_ADMIN,
// which attestd has not: attestd-volumes, which has that and nothing else, tells them.
#pragma once

#include <string>
#include <vector>

#include "evidence/mapped_devices.h"
#include "hwio/volumes.h"

namespace attestd::agent {

inline constexpr std::string_view volumes_socket = "/run/attestd/volumes.sock";

// All devices, as they are now. Blocks for two seconds at most at a time. Errors: those of connect(2), timed_out,
// refused (who listens is not uid 0), and those of parse_mapped_devices().
Result<std::vector<MappedDeviceReport>> ask_for_mapped_devices(const std::string& socket);

// Of the volume's devices. Errors: those of mappings_of(), not_found (a device is not among them).
Result<std::vector<StorageMapping>> mappings_of_volume(const hwio::MountedVolume& volume,
                                                       const std::vector<MappedDeviceReport>& devices);

}  // namespace attestd::agent
