// What attestd-volumes tells attestd of the tables that device-mapper works with: JSON, at most
// 1 MiB. It holds the capability and understands nothing; this is where it is understood.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/statement.h"

namespace attestd {

inline constexpr std::size_t mapped_devices_max_size = std::size_t{1} << 20U;  // bytes

struct MappedDeviceReport {
  std::string number;  // "254:0"
  std::string name;    // "root"
  struct Target {
    std::string type;    // "crypt"
    std::string status;  // as Linux Documentation/admin-guide/device-mapper/dm-ima.rst has it, or empty
  };
  std::vector<Target> targets;
};

// {"devices": [{"device", "name", "targets": [{"type", "status"}]}]}
std::string encode_mapped_devices(const std::vector<MappedDeviceReport>& devices);
// Errors: malformed, not_found, out_of_range.
Result<std::vector<MappedDeviceReport>> parse_mapped_devices(ByteView json);

// What is in use on one device, for the statement: one for each target, alike neighbours once. `layer`: what its name
// says that it is ("crypt-luks2"). Errors: malformed (a status that breaks its format or says what the type cannot be).
Result<std::vector<StorageMapping>> mappings_of(const MappedDeviceReport& device, const std::string& layer);

}  // namespace attestd
