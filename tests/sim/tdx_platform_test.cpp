#include "sim/platform_tdx.h"

#include "base/encoding.h"
#include "base/file.h"
#include "hwio/configfs_tsm.h"
#include "sim/inprocess.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"
#include "verifier/tdx.h"

namespace attestd::sim {
namespace {

constexpr std::int64_t now = 1764000000;  // 2025-11-24, within the signer's validity

MachineOptions options_for(const std::string& folder) {
  MachineOptions out;
  out.state = folder;
  out.platform = "tdx";
  out.measurement = simulated_measurement();
  return out;
}

void ignore(const std::string& /*sentence*/) {}

std::string value_of(const PlatformModel& platform, std::string_view name) {
  for (const auto& [key, value] : platform.environment()) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("a simulated TD's quote is good by its own collateral, and shows the boot that its log has") {
  const test::TemporaryFolder folder;
  const MachineOptions options = options_for(folder.path());
  const StatePaths paths(folder.path());
  auto hardware = TdxHardware::make(options, paths, ignore);
  INFO((hardware ? std::string("made") : hardware.error().text()));
  REQUIRE(hardware);
  TsmModel tree((*hardware)->module());
  const auto report = hwio::make_configfs_tsm(make_tsm_files(tree))->report(test::report_data(0x42));
  REQUIRE(report);

  const auto collateral = load_tdx_collateral(folder.path() + "/collateral");
  REQUIRE(collateral);
  TrustRoots roots;
  roots.named = {(*hardware)->signer().root_der()};
  const TdxVerification verified = verify_tdx(report->report, *collateral, roots, now);
  for (const Check& check : verified.checks) {
    CAPTURE(check.id, check.detail);
    CHECK(check.result == CheckResult::pass);
  }
  CHECK(verified.good());
  CHECK(verified.simulated);
  REQUIRE(verified.quote);
  CHECK(verified.quote->body.mrtd == options.measurement);
  CHECK(verified.quote->body.report_data == test::report_data(0x42));
  const MeasuredBoot boot = measure_boot(options.boot);
  CHECK(verified.quote->body.rtmrs == boot.rtmrs);
}

TEST_CASE("a simulated TD keeps its keys, and the debug policy makes it a debug TD") {
  const test::TemporaryFolder folder;
  MachineOptions options = options_for(folder.path());
  const StatePaths paths(folder.path());
  std::string root;
  {
    const auto first = TdxHardware::make(options, paths, ignore);
    REQUIRE(first);
    root = (*first)->signer().root_pem();
  }
  options.guest_policy |= std::uint64_t{1} << 19U;
  const auto second = TdxHardware::make(options, paths, ignore);
  REQUIRE(second);
  CHECK((*second)->signer().root_pem() == root);
  CHECK(parse_td_report((*second)->module().report({})).value().td_attributes.under_debug_group());
}

TEST_CASE("a simulated TD's host writes the log that was measured, or another one by a fault") {
  const test::TemporaryFolder folder;
  const StatePaths paths(folder.path());
  auto platform = make_tdx_platform(options_for(folder.path()), paths, ignore);
  REQUIRE(platform);
  REQUIRE((*platform)->start_services(ignore));
  const std::string area = value_of(**platform, "cc_event_log");
  const auto table = parse_ccel_table(read_file(value_of(**platform, "ccel_table"), 4096).value());
  REQUIRE(table);
  const Rtmrs measured = measure_boot({}).rtmrs;
  const auto replayed = [&] {
    const Bytes bytes = read_file(area, 1U << 20U).value();
    CHECK(bytes.size() == table->log_area_minimum_length);
    return replay_rtmrs(parse_cc_event_log(bytes).value());
  };
  CHECK(replayed() == measured);
  CHECK((*platform)->control(nullptr, "fault", "ccel "));
  CHECK(replayed() != measured);
  CHECK((*platform)->control(nullptr, "fault", "clear"));
  CHECK(replayed() == measured);
  CHECK((*platform)->agent_config("/tsm").find(area) != std::string::npos);
}

TEST_CASE("a simulated TD takes its own commands and faults, and no others") {
  const test::TemporaryFolder folder;
  const StatePaths paths(folder.path());
  const auto hardware = TdxHardware::make(options_for(folder.path()), paths, ignore);
  REQUIRE(hardware);
  const std::string data = to_hex(test::report_data(7));
  const auto report = (*hardware)->control(nullptr, "report", data);
  REQUIRE(report);
  CHECK(parse_td_report(from_hex(*report).value()).value().report_data == test::report_data(7));
  CHECK(parse_td_quote(from_hex((*hardware)->control(nullptr, "quote", data).value()).value()));
  CHECK((*hardware)->control(nullptr, "extend", "3 " + std::string(96, 'a')));
  CHECK_FALSE(all_zero((*hardware)->module().rtmr(3)));
  for (const char* const fault : {"no-answer", "other-td", "other-nonce", "busy 3", "clear"}) {
    CAPTURE(fault);
    CHECK((*hardware)->control(nullptr, "fault", fault));
  }
  for (const char* const fault : {"wipe-key", "busy", "busy x", "race 1", ""}) {
    CAPTURE(fault);
    CHECK((*hardware)->control(nullptr, "fault", fault).error().code == Errc::usage);
  }
  CHECK((*hardware)->control(nullptr, "extend", "4 " + std::string(96, 'a')).error().code == Errc::usage);
  CHECK((*hardware)->control(nullptr, "report", "00").error().code == Errc::usage);
  MachineOptions options = options_for(folder.path());
  options.vmpl = 1;
  CHECK(make_tdx_platform(options, paths, ignore).error().code == Errc::usage);
}

}  // namespace attestd::sim
