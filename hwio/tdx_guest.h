// /dev/tdx_guest: TDREPORTs by ioctl. A TDREPORT convinces only a quoting enclave
// on the same machine; quotes come from configfs-tsm.
// Source: Linux include/uapi/linux/tdx-guest.h; Documentation/virt/coco/tdx-guest.rst.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace attestd::hwio {

// The device as ioctl(2) sees it; tests and attestd-sim have their own.
class TdxGuestIoctl {
 public:
  virtual ~TdxGuestIoctl() = default;
  // Returns 0, or the errno of the failure.
  virtual int ioctl(unsigned long request, void* argument) = 0;
  [[nodiscard]] virtual std::string where() const = 0;
};
Result<std::unique_ptr<TdxGuestIoctl>> open_tdx_guest(const std::string& path);  // normally /dev/tdx_guest

// TDREPORT_STRUCT, 1024 bytes. Tries again while the module is busy, up to half a
// second. Errors: busy, unsupported (not a TDX guest's device), io.
Result<Bytes> td_report(TdxGuestIoctl& device, const FixedBytes<64>& report_data);

}  // namespace attestd::hwio
