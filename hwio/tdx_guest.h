// TDREPORTs by ioctl on what is normally /dev/tdx_guest. A TDREPORT convinces only a
// quoting enclave on the same machine; quotes come from configfs-tsm.
// Source: Linux include/uapi/linux/tdx-guest.h; Documentation/virt/coco/tdx-guest.rst.
#pragma once

#include "base/bytes.h"
#include "hwio/ioctl_device.h"

namespace attestd::hwio {

// TDREPORT_STRUCT, 1024 bytes. Tries again while the module is busy, up to half a
// second. Errors: busy, unsupported (not a TDX guest's device), io.
Result<Bytes> td_report(IoctlDevice& device, const FixedBytes<64>& report_data);

}  // namespace attestd::hwio
