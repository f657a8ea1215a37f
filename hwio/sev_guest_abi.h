// The ABI of /dev/sev-guest, for those who call it and for attestd-sim, which
// answers. Our own layout of the kernel's structures, because older headers name
// the last field of the request differently.
// Source: Linux include/uapi/linux/sev-guest.h (6.4 on); AMD 56860 SEV-SNP ABI.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace attestd::hwio::sev_guest {

struct ReportRequest {  // snp_report_req; 56860 "MSG_REPORT_REQ"
  std::uint8_t user_data[64];
  std::uint32_t vmpl;
  std::uint8_t reserved[28];  // zero
};
static_assert(sizeof(ReportRequest) == 96);

struct ExtendedReportRequest {  // snp_ext_report_req
  ReportRequest data;
  std::uint64_t certs_address;  // user pointer
  std::uint32_t certs_len;      // bytes, a multiple of the page size; the needed length comes back here
};
static_assert(sizeof(ExtendedReportRequest) == 112 && offsetof(ExtendedReportRequest, certs_len) == 104);

struct ReportResponse {  // snp_report_resp: room for "MSG_REPORT_RSP"
  std::uint8_t data[4000];
};
static_assert(sizeof(ReportResponse) == 4000);

struct GuestRequest {  // snp_guest_request_ioctl
  std::uint8_t msg_version;
  std::uint64_t req_data;   // user pointer
  std::uint64_t resp_data;  // user pointer
  std::uint64_t exitinfo2;  // VMM error in the upper 32 bits, firmware error in the lower
};
static_assert(sizeof(GuestRequest) == 32 && offsetof(GuestRequest, exitinfo2) == 24);

inline constexpr unsigned long get_report = _IOWR('S', 0x0, GuestRequest);      // SNP_GET_REPORT
inline constexpr unsigned long get_ext_report = _IOWR('S', 0x2, GuestRequest);  // SNP_GET_EXT_REPORT

inline constexpr std::uint8_t message_version = 1;

// Upper half of exitinfo2: GHCB specification (56421), "SNP Guest Request".
inline constexpr std::uint32_t vmm_error_invalid_length = 1;
inline constexpr std::uint32_t vmm_error_busy = 2;

constexpr std::uint64_t exitinfo2(std::uint32_t vmm_error, std::uint32_t firmware_error) {
  return (std::uint64_t{vmm_error} << 32U) | firmware_error;
}

// MSG_REPORT_RSP, 56860 "Guest messages": little-endian.
inline constexpr std::size_t response_status_offset = 0;   // u32; 0 is success
inline constexpr std::size_t response_size_offset = 4;     // u32; bytes of the report
inline constexpr std::size_t response_report_offset = 32;  // the report itself
inline constexpr std::size_t report_size = 1184;
inline constexpr std::uint32_t status_success = 0x00;
inline constexpr std::uint32_t status_invalid_parameters = 0x16;
inline constexpr std::uint32_t status_invalid_key_selection = 0x27;

inline constexpr std::uint32_t page_size = 4096;

}  // namespace attestd::hwio::sev_guest
