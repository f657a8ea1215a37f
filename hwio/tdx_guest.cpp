#include "hwio/tdx_guest.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "hwio/backoff.h"
#include "hwio/tdx_guest_abi.h"

namespace attestd::hwio {
namespace {

constexpr unsigned attempts = 10;
constexpr std::chrono::milliseconds first_backoff{1};
constexpr std::chrono::milliseconds longest_backoff{100};

std::unexpected<Error> explain(int os_error, const std::string& where) {
  const auto error = [&](Errc code, std::string_view message) {
    return std::unexpected(Error{code, where + " " + std::string(message), {}, os_error});
  };
  switch (os_error) {
    case EBUSY:
    case EINTR: return error(Errc::busy, "was busy with other requests all along");
    case ENOTTY: return error(Errc::unsupported, "has no TDX_CMD_GET_REPORT0: it is not the TDX guest driver's");
    case EINVAL: return error(Errc::unsupported, "refuses the request: the TDX module does not know it");
    default: return error(Errc::io, "gives no TDREPORT; the kernel's log may say why");
  }
}

}  // namespace

Result<Bytes> td_report(IoctlDevice& device, const FixedBytes<64>& report_data) {
  Backoff backoff(first_backoff, longest_backoff);
  for (unsigned attempt = 1;; ++attempt) {
    tdx_guest::ReportRequest request = {};
    std::memcpy(request.reportdata, report_data.data(), report_data.size());
    const int os_error = device.ioctl(tdx_guest::get_report0, &request);
    if (os_error == 0) return to_bytes(std::as_bytes(std::span(request.tdreport)));
    if ((os_error != EBUSY && os_error != EINTR) || attempt == attempts) return explain(os_error, device.where());
    backoff.wait();
  }
}

}  // namespace attestd::hwio
