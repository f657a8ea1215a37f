#include "hwio/tdx_guest.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "hwio/backoff.h"
#include "hwio/tdx_guest_abi.h"

namespace attestd::hwio {
namespace {

constexpr unsigned attempts = 10;
constexpr std::chrono::milliseconds first_backoff{1};
constexpr std::chrono::milliseconds longest_backoff{100};

class TdxGuestDevice final : public TdxGuestIoctl {
 public:
  TdxGuestDevice(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  int ioctl(unsigned long request, void* argument) override {
    return ::ioctl(fd_.get(), request, argument) == 0 ? 0 : errno;
  }

  [[nodiscard]] std::string where() const override { return path_; }

 private:
  UniqueFd fd_;
  std::string path_;
};

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

Result<std::unique_ptr<TdxGuestIoctl>> open_tdx_guest(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot examine " + path);
  if (!S_ISCHR(status.st_mode)) return fail(Errc::not_found, path + " is not a character device");
  return std::make_unique<TdxGuestDevice>(std::move(fd), path);
}

Result<Bytes> td_report(TdxGuestIoctl& device, const FixedBytes<64>& report_data) {
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
