#include "sim/psp.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "hwio/configfs_tsm.h"
#include "hwio/sev_guest.h"
#include "sim/inprocess.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

using test::psp_config;
using test::report_data;
using test::unsigned_report;

ByteView data_in(const Bytes& report) { return ByteView(report).subspan(0x50, 64); }
bool is(ByteView a, const FixedBytes<64>& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// Both ways that Linux gives to the PSP, in process.
struct Machine {
  Psp psp{psp_config(), unsigned_report};
  TsmModel tree{psp};
  std::unique_ptr<hwio::ReportDevice> configfs = hwio::make_configfs_tsm(
      make_tsm_files(tree), {.privlevel = {}, .attempts = 4, .first_backoff = std::chrono::milliseconds(1)});
  std::unique_ptr<hwio::ReportDevice> ioctl = hwio::make_sev_guest(
      make_sev_guest_ioctl(psp), {.vmpl = 0, .attempts = 4, .first_backoff = std::chrono::milliseconds(1)});
  hwio::ReportDevice& device(const std::string& way) { return way == "configfs" ? *configfs : *ioctl; }
};

TEST_CASE("the agent's own code gets reports from the simulated interfaces") {
  for (const std::string way : {"configfs", "ioctl"}) {
    INFO(way);
    Machine machine;
    const auto report = machine.device(way).report(report_data(7));
    REQUIRE(report.has_value());
    CHECK(report->report.size() == snp_report_size);
    CHECK(is(data_in(report->report), report_data(7)));
    CHECK(report->provider == "sev_guest");
    CHECK(report->attempts == 1);
    CHECK(as_text(report->certificates).starts_with("certificates of the host"));
    CHECK(machine.tree.entries().empty());
  }
}

TEST_CASE("passing faults delay a report, lasting ones do not pass for one") {
  struct Case {
    std::string way;
    PspFaults faults;
    bool report;
    Errc code = Errc::internal;
  };
  const Case cases[] = {
      {"configfs", {.busy = 3}, true},
      {"configfs", {.busy = 4}, false, Errc::busy},
      {"configfs", {.throttled = 3}, true},
      {"configfs", {.throttled = 1000000}, false, Errc::timed_out},
      {"configfs", {.wipe_key_after = 0}, false, Errc::key_wiped},
      {"configfs", {.firmware_status = 0x16}, false, Errc::io},
      {"ioctl", {.busy = 3}, true},
      {"ioctl", {.busy = 4}, false, Errc::busy},
      {"ioctl", {.throttled = 3}, true},
      {"ioctl", {.throttled = 4}, false, Errc::throttled},
      {"ioctl", {.wipe_key_after = 0}, false, Errc::key_wiped},
      {"ioctl", {.firmware_status = 0x16}, false, Errc::io},
      {"ioctl", {.no_certificates = true}, true},
  };
  for (const Case& one : cases) {
    Machine machine;
    machine.psp.set_faults(one.faults);
    const auto report = machine.device(one.way).report(report_data(1));
    INFO(one.way << ", case " << (&one - &cases[0]) << ": " << (report ? "report" : report.error().text()));
    REQUIRE(report.has_value() == one.report);
    if (!one.report) CHECK(report.error().code == one.code);
    if (one.faults.no_certificates) CHECK(report->certificates.empty());
  }
}

TEST_CASE("a race is noticed, and lost only when it never ends") {
  Machine machine;
  machine.tree.set_race(3);
  const auto report = machine.configfs->report(report_data(9));
  REQUIRE(report.has_value());
  CHECK(report->attempts == 4);
  CHECK(is(data_in(report->report), report_data(9)));
  machine.tree.set_race(100);
  const auto lost = machine.configfs->report(report_data(9));
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code == Errc::changed);
}

TEST_CASE("a key that is wiped after two requests stays wiped until the reboot") {
  Machine machine;
  machine.psp.set_faults({.wipe_key_after = 2});
  CHECK(machine.ioctl->report(report_data(1)).has_value());
  CHECK(machine.configfs->report(report_data(2)).has_value());
  CHECK_FALSE(machine.ioctl->report(report_data(3)).has_value());
  machine.psp.set_faults({});
  CHECK(machine.psp.key_wiped());
  CHECK_FALSE(machine.ioctl->report(report_data(3)).has_value());
  machine.psp.restore_key();
  CHECK(machine.ioctl->report(report_data(3)).has_value());
}

TEST_CASE("configfs-tsm takes just 64 bytes for SNP, and levels that the guest has") {
  PspConfig config = psp_config();
  config.guest_vmpl = 2;
  Psp psp(config, unsigned_report);
  CHECK(psp.report_new({Bytes(63), 2}).error() == EINVAL);
  CHECK(psp.report_new({Bytes(64), 1}).error() == EINVAL);
  CHECK(psp.report_new({Bytes(64), 2}).has_value());
  CHECK(psp.report_new({Bytes(64), 3}).has_value());
}

TEST_CASE("certificates that outgrow the first buffer still arrive") {
  PspConfig config = psp_config();
  config.certificates = Bytes(9000, std::byte{0x55});
  Psp psp(config, unsigned_report);
  const auto report = hwio::make_sev_guest(make_sev_guest_ioctl(psp))->report(report_data(1));
  REQUIRE(report.has_value());
  CHECK(report->certificates.size() >= 9000);
}

TEST_CASE("requests take their time, one after another") {
  PspConfig config = psp_config();
  config.request_time = std::chrono::milliseconds(20);
  Psp psp(config, unsigned_report);
  const auto start = std::chrono::steady_clock::now();
  std::atomic<int> reports = 0;
  {
    std::vector<std::jthread> askers;
    for (unsigned char i = 0; i < 4; ++i) {
      askers.emplace_back([&, i] {
        const PspAnswer answer = psp.request(report_data(i), 0, false);
        if (answer.os_error == 0 && is(data_in(answer.report), report_data(i))) ++reports;
      });
    }
  }
  CHECK(reports == 4);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(80));
  CHECK(psp.reports() == 4);
}

}  // namespace
}  // namespace attestd::sim
