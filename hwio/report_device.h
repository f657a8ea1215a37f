// The seam between attestd and whatever makes hardware reports.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace attestd::hwio {

struct HardwareReport {
  Bytes report;           // as the hardware gave it
  Bytes certificates;     // SNP certificate table from the host; may be empty; hostile
  Bytes manifest;         // of the services that an SVSM attests with the report; else empty
  std::string provider;   // "sev_guest", as configfs-tsm names it
  unsigned attempts = 1;  // how many tries it took
};

// One request at a time, from one thread: implementations block. Errors that a
// later call may not have: busy, throttled, changed, timed_out. Errors that last:
// key_wiped (until reboot), not_found, permission.
class ReportDevice {
 public:
  virtual ~ReportDevice() = default;
  virtual Result<HardwareReport> report(const FixedBytes<64>& report_data) = 0;
  // Where it asks, for messages: "/dev/sev-guest", "/sys/kernel/config/tsm/report".
  [[nodiscard]] virtual std::string where() const = 0;
};

}  // namespace attestd::hwio
