// /dev/sev-guest: reports by ioctl.
// Source: Linux include/uapi/linux/sev-guest.h; Documentation/virt/coco/sev-guest.rst.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "hwio/report_device.h"

namespace attestd::hwio {

// The device as ioctl(2) sees it; attestd-sim has one that works in process.
class SevGuestIoctl {
 public:
  virtual ~SevGuestIoctl() = default;
  // Returns 0, or the errno of the failure.
  virtual int ioctl(unsigned long request, void* argument) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};
Result<std::unique_ptr<SevGuestIoctl>> open_sev_guest(const std::string& path);  // normally /dev/sev-guest

struct SevGuestOptions {
  unsigned vmpl = 0;
  unsigned attempts = 10;                       // on busy and throttled answers
  std::chrono::milliseconds first_backoff{50};  // doubled each time, at most 2 s
};

// Asks for an extended report (with certificates), and for a plain one where
// the host gives no certificates. Never in parallel, never abandoned half-way:
// the driver keeps a sequence number and wipes the key when it is lost.
std::unique_ptr<ReportDevice> make_sev_guest(std::unique_ptr<SevGuestIoctl> device, SevGuestOptions options = {});

}  // namespace attestd::hwio
