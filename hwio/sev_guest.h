// Reports by ioctl on what is normally /dev/sev-guest.
// Source: Linux include/uapi/linux/sev-guest.h; Documentation/virt/coco/sev-guest.rst.
#pragma once

#include <chrono>
#include <memory>

#include "hwio/ioctl_device.h"
#include "hwio/report_device.h"

namespace attestd::hwio {

struct SevGuestOptions {
  unsigned vmpl = 0;
  unsigned attempts = 10;                       // on busy and throttled answers
  std::chrono::milliseconds first_backoff{50};  // doubled each time, at most 2 s
};

// Asks for an extended report (with certificates), and for a plain one where
// the host gives no certificates. Never in parallel, never abandoned half-way:
// the driver keeps a sequence number and wipes the key when it is lost.
std::unique_ptr<ReportDevice> make_sev_guest(std::unique_ptr<IoctlDevice> device, SevGuestOptions options = {});

}  // namespace attestd::hwio
