// Event logs as the kernel and systemd leave them.
#pragma once

#include <string>

#include "base/bytes.h"

namespace attestd::hwio {

inline constexpr std::size_t event_log_limit = std::size_t{8} << 20U;  // bytes

// Normally /sys/kernel/security/tpm0/binary_bios_measurements and
// /run/log/systemd/tpm2-measure.log. The second is appended to while we read:
// it is read under a shared flock(2), as systemd writes it under an exclusive one.
Result<Bytes> read_firmware_event_log(const std::string& path);
Result<Bytes> read_userspace_event_log(const std::string& path);

}  // namespace attestd::hwio
