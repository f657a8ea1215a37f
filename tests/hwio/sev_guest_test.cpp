#include "hwio/sev_guest.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

#include "hwio/sev_guest_abi.h"
#include "tests/catch.h"

#if __has_include(<linux/sev-guest.h>)
#include <linux/sev-guest.h>
static_assert(sizeof(snp_report_req) == sizeof(attestd::hwio::sev_guest::ReportRequest));
static_assert(sizeof(snp_ext_report_req) == sizeof(attestd::hwio::sev_guest::ExtendedReportRequest));
static_assert(offsetof(snp_ext_report_req, certs_address) ==
              offsetof(attestd::hwio::sev_guest::ExtendedReportRequest, certs_address));
static_assert(sizeof(snp_guest_request_ioctl) == sizeof(attestd::hwio::sev_guest::GuestRequest));
static_assert(offsetof(snp_guest_request_ioctl, req_data) ==
              offsetof(attestd::hwio::sev_guest::GuestRequest, req_data));
static_assert(SNP_GET_REPORT == attestd::hwio::sev_guest::get_report);
static_assert(SNP_GET_EXT_REPORT == attestd::hwio::sev_guest::get_ext_report);
#endif

namespace attestd::hwio {
namespace {

namespace abi = sev_guest;

struct Call {
  bool extended = false;
  std::uint32_t certs_len = 0;
};

// One call of the driver: what it is given, and what a test makes of it.
struct Exchange {
  abi::GuestRequest& argument;
  abi::ReportResponse& response;
  abi::ExtendedReportRequest* extended;  // null for a plain report

  int refuse(int error, std::uint32_t vmm = 0, std::uint32_t firmware = 0) const {
    argument.exitinfo2 = abi::exitinfo2(vmm, firmware);
    return error;
  }
  int want_length(std::uint32_t length) const {
    extended->certs_len = length;
    return refuse(EIO, abi::vmm_error_invalid_length);
  }
  int answer(ByteView certificates = {}, std::uint32_t size = abi::report_size, std::uint32_t status = 0) const {
    std::memcpy(response.data + abi::response_status_offset, &status, sizeof status);
    std::memcpy(response.data + abi::response_size_offset, &size, sizeof size);
    const auto* request = reinterpret_cast<const abi::ReportRequest*>(argument.req_data);
    std::memset(response.data + abi::response_report_offset, 0xee, abi::report_size);
    std::memcpy(response.data + abi::response_report_offset, request->user_data, 64);
    response.data[abi::response_report_offset + 64] = static_cast<std::uint8_t>(request->vmpl);
    if (extended != nullptr && extended->certs_len >= certificates.size() && !certificates.empty()) {
      std::memcpy(reinterpret_cast<void*>(extended->certs_address), certificates.data(), certificates.size());
    }
    argument.exitinfo2 = 0;
    return 0;
  }
};

using Driver = std::function<int(const Exchange&)>;

class FakeDevice final : public IoctlDevice {
 public:
  FakeDevice(Driver driver, std::vector<Call>& calls) : driver_(std::move(driver)), calls_(calls) {}
  int ioctl(unsigned long request, void* argument) override {
    auto& guest_request = *static_cast<abi::GuestRequest*>(argument);
    const bool extended = request == abi::get_ext_report;
    if (!extended && request != abi::get_report) return ENOTTY;
    if (guest_request.msg_version != 1) return EINVAL;
    auto* const full = extended ? reinterpret_cast<abi::ExtendedReportRequest*>(guest_request.req_data) : nullptr;
    calls_.push_back({extended, extended ? full->certs_len : 0});
    // Linux refuses lengths that are not whole pages.
    if (extended && full->certs_len % abi::page_size != 0) return EINVAL;
    return driver_({guest_request, *reinterpret_cast<abi::ReportResponse*>(guest_request.resp_data), full});
  }
  [[nodiscard]] std::string where() const override { return "/fake/sev-guest"; }

 private:
  Driver driver_;
  std::vector<Call>& calls_;
};

struct Fixture {
  explicit Fixture(Driver driver, unsigned vmpl = 0) {
    device = make_sev_guest(std::make_unique<FakeDevice>(std::move(driver), calls),
                            {.vmpl = vmpl, .attempts = 4, .first_backoff = std::chrono::milliseconds(0)});
    for (std::size_t i = 0; i < report_data.size(); ++i) report_data[i] = static_cast<std::byte>(i + 1);
  }
  std::vector<Call> calls;
  std::unique_ptr<ReportDevice> device;
  FixedBytes<64> report_data;
};

// One certificate of `size` bytes behind its table, up to the end of the last page.
Bytes certificate_table(std::uint32_t size) {
  Writer writer;
  writer.zeros(15).u8(1).le32(48).le32(size).zeros(24);
  for (std::uint32_t i = 0; i < size; ++i) writer.u8(0);  // ends in zeros, as a signature may
  return writer.take();
}

TEST_CASE("a report comes with the certificates of the host, cut to what they use") {
  const Bytes table = certificate_table(3000);
  Fixture fixture([&](const Exchange& exchange) { return exchange.answer(table); }, 3);
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->report.size() == 1184);
  CHECK(std::equal(fixture.report_data.begin(), fixture.report_data.end(), report->report.begin()));
  CHECK(report->report[64] == std::byte{3});
  CHECK(report->certificates == table);
  CHECK(report->provider == "sev_guest");
  CHECK(report->attempts == 1);
  CHECK(fixture.calls.size() == 1);
}

TEST_CASE("a host without certificates gives a report without them") {
  Fixture fixture([](const Exchange& exchange) { return exchange.answer(); });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates.empty());
}

TEST_CASE("a table that makes no sense is passed on whole") {
  Writer writer;
  writer.zeros(15).u8(1).le32(48).le32(0x7fffffff);
  Fixture fixture([table = writer.take()](const Exchange& exchange) { return exchange.answer(table); });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates.size() == 16384);
}

TEST_CASE("the length that the host needs is asked for, and remembered") {
  const Bytes table = certificate_table(20000);
  Fixture fixture([&](const Exchange& exchange) {
    if (exchange.extended->certs_len < table.size()) return exchange.want_length(20480);
    return exchange.answer(table);
  });
  auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates == table);
  CHECK(fixture.calls.size() == 2);
  CHECK(fixture.calls[1].certs_len == 20480);
  report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(fixture.calls.size() == 3);
}

TEST_CASE("a length that is not whole pages is rounded up") {
  const Bytes table = certificate_table(20000);
  Fixture fixture([&](const Exchange& exchange) {
    if (exchange.extended->certs_len < table.size()) return exchange.want_length(20049);
    return exchange.answer(table);
  });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates == table);
}

TEST_CASE("a host that plays with the length costs its certificates, not the report") {
  struct Case {
    const char* what;
    std::function<std::uint32_t(std::uint32_t)> needed;
    std::size_t calls;
  };
  const std::vector<Case> cases = {
      {"always more", [](std::uint32_t given) { return given + 4096; }, 5},
      {"less than was given", [](std::uint32_t) { return 4096U; }, 2},
      {"nothing", [](std::uint32_t) { return 0U; }, 2},
      {"over a mebibyte", [](std::uint32_t) { return (1U << 20U) + 1; }, 2},
      {"everything", [](std::uint32_t) { return 0xffffffffU; }, 2},
  };
  for (const Case& the_case : cases) {
    INFO(the_case.what);
    Fixture fixture([&](const Exchange& exchange) {
      if (exchange.extended == nullptr) return exchange.answer();
      return exchange.want_length(the_case.needed(exchange.extended->certs_len));
    });
    const auto report = fixture.device->report(fixture.report_data);
    REQUIRE(report);
    CHECK(report->certificates.empty());
    CHECK(fixture.calls.size() == the_case.calls);
    CHECK(!fixture.calls.back().extended);
  }
}

TEST_CASE("a driver with a smaller limit than the host needs still gives a report") {
  Fixture fixture([](const Exchange& exchange) {
    if (exchange.extended == nullptr) return exchange.answer();
    return exchange.extended->certs_len > 16384 ? EINVAL : exchange.want_length(32768);
  });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates.empty());
  CHECK(fixture.calls.size() == 3);
}

TEST_CASE("a host that wants certificate space for a plain report does not keep us") {
  Fixture fixture([](const Exchange& exchange) { return exchange.refuse(EIO, abi::vmm_error_invalid_length); });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == Errc::io);
  CHECK(fixture.calls.size() == 2);
}

TEST_CASE("busy and throttled devices are asked again") {
  struct Case {
    int error;
    std::uint32_t vmm;
    Errc code;
  };
  const auto the_case = GENERATE(values<Case>({{EIO, abi::vmm_error_busy, Errc::throttled},
                                               {EAGAIN, 0, Errc::throttled},
                                               {EBUSY, 0, Errc::busy},
                                               {EINTR, 0, Errc::busy}}));
  INFO(the_case.error);
  unsigned left = 3;
  Fixture patient([&](const Exchange& exchange) {
    return left-- > 0 ? exchange.refuse(the_case.error, the_case.vmm) : exchange.answer();
  });
  const auto report = patient.device->report(patient.report_data);
  REQUIRE(report);
  CHECK(report->attempts == 4);

  Fixture hopeless([&](const Exchange& exchange) { return exchange.refuse(the_case.error, the_case.vmm); });
  const auto none = hopeless.device->report(hopeless.report_data);
  REQUIRE(!none);
  CHECK(none.error().code == the_case.code);
  CHECK(hopeless.calls.size() == 4);
}

TEST_CASE("what another try cannot cure is reported at once and by name") {
  struct Case {
    int error;
    std::uint32_t vmm;
    std::uint32_t firmware;
    Errc code;
    const char* sentence;
  };
  const auto the_case = GENERATE(values<Case>({
      {ENOTTY, 0, 0, Errc::key_wiped, "only a reboot"},
      {EIO, 0, 0x16, Errc::io, "0x00000016 (INVALID_PARAM)"},
      {EIO, 0, 0x1d, Errc::io, "AEAD_OFLOW"},
      {EIO, 0, 0xffffffff, Errc::io, "firmware was not called"},
      {EIO, 7, 0, Errc::io, "VMM error 7"},
      {EIO, 0, 0, Errc::io, "failed"},
      {EBADMSG, 0, 0, Errc::io, "not authentic"},
      {ETIMEDOUT, 0, 0, Errc::timed_out, "wipes the key"},
      {EINVAL, 0, 0, Errc::usage, "refuses the request"},
      {ENODEV, 0, 0, Errc::not_found, "has gone"},
      {EPERM, 0, 0, Errc::permission, "refuses access"},
  }));
  INFO(the_case.error << " " << the_case.vmm << " " << the_case.firmware);
  Fixture fixture(
      [&](const Exchange& exchange) { return exchange.refuse(the_case.error, the_case.vmm, the_case.firmware); });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == the_case.code);
  CHECK(report.error().os_error == the_case.error);
  CHECK_THAT(report.error().message, Catch::Contains(the_case.sentence));
  CHECK(fixture.calls.size() == 1);
}

TEST_CASE("an answer that is no report is refused") {
  struct Case {
    std::uint32_t size;
    std::uint32_t status;
    Errc code;
  };
  const auto the_case = GENERATE(values<Case>({
      {0, 0, Errc::malformed},
      {1183, 0, Errc::malformed},
      {3969, 0, Errc::malformed},
      {0xffffffff, 0, Errc::malformed},
      {1184, abi::status_invalid_parameters, Errc::usage},
      {1184, abi::status_invalid_key_selection, Errc::usage},
      {1184, 0x99, Errc::io},
  }));
  INFO(the_case.size << " " << the_case.status);
  Fixture fixture([&](const Exchange& exchange) { return exchange.answer({}, the_case.size, the_case.status); });
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == the_case.code);
}

}  // namespace
}  // namespace attestd::hwio
