// The ABI of /dev/tdx_guest, for those who call it and for attestd-sim.
// Source: Linux include/uapi/linux/tdx-guest.h (6.2 on).
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

namespace attestd::hwio::tdx_guest {

struct ReportRequest {  // tdx_report_req
  std::uint8_t reportdata[64];
  std::uint8_t tdreport[1024];  // TDREPORT_STRUCT, written by the kernel
};
static_assert(sizeof(ReportRequest) == 1088);

inline constexpr unsigned long get_report0 = _IOWR('T', 1, ReportRequest);  // TDX_CMD_GET_REPORT0

// Intel TDX Module ABI Specification (348551), TDREPORT_STRUCT: TDINFO's RTMR.
inline constexpr std::size_t rtmr_offset = 0x2d0;
inline constexpr std::size_t rtmr_size = 48;
inline constexpr unsigned rtmr_count = 4;

}  // namespace attestd::hwio::tdx_guest
