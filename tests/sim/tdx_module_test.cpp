#include "sim/tdx_module.h"

#include <cerrno>

#include "evidence/digest.h"
#include "hwio/configfs_tsm.h"
#include "hwio/tdx_guest.h"
#include "sim/boot.h"
#include "sim/inprocess.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

TdReport td() {
  TdReport out;
  out.type = td_tee_type_tdx;
  out.mrtd.fill(std::byte{0x4d});
  return out;
}

// A quote that nobody signed.
Result<Bytes> unsigned_quote(const TdReport& report) {
  TdQuote quote;
  quote.version = 4;
  quote.attestation_key_type = td_key_type_ecdsa_p256;
  quote.tee_type = td_tee_type_tdx;
  quote.body = td_quote_body(report, TdBodyType::td_10);
  return encode_td_quote(quote);
}

}  // namespace

TEST_CASE("a simulated TD gives quotes through configfs-tsm, with the data that was asked for") {
  TdxModule module(td(), unsigned_quote);
  TsmModel tree(module);
  const auto device = hwio::make_configfs_tsm(make_tsm_files(tree));
  const auto report = device->report(test::report_data(0x31));
  INFO((report ? std::string("reported") : report.error().text()));
  REQUIRE(report);
  CHECK(report->provider == "tdx_guest");
  CHECK(report->certificates.empty());
  const auto quote = parse_td_quote(report->report);
  REQUIRE(quote);
  CHECK(quote->body.report_data == test::report_data(0x31));
  CHECK(quote->body.mrtd == td().mrtd);
  CHECK(module.quotes() == 1);
}

TEST_CASE("a simulated TD's configfs-tsm entry has no privilege levels and no certificates") {
  TdxModule module(td(), unsigned_quote);
  TsmModel tree(module);
  REQUIRE(tree.make_entry("e") == 0);
  CHECK(tree.read("e", "auxblob").error() == ENOENT);
  CHECK(tree.read("e", "privlevel_floor").error() == ENOENT);
  CHECK(tree.write("e", "privlevel", as_bytes("0")) == ENOENT);
  CHECK(tree.write("e", "inblob", Bytes(63)) == 0);
  CHECK(tree.read("e", "outblob").error() == EINVAL);
}

TEST_CASE("a busy quoting service is asked again, a silent one is given up") {
  TdxModule module(td(), unsigned_quote);
  TsmModel tree(module);
  hwio::ConfigfsTsmOptions options;
  options.first_backoff = std::chrono::milliseconds(1);
  const auto device = hwio::make_configfs_tsm(make_tsm_files(tree), options);
  module.set_faults({.busy = 2});
  const auto late = device->report(test::report_data(1));
  REQUIRE(late);
  CHECK(late->attempts == 3);
  module.set_faults({.no_answer = true});
  const auto never = device->report(test::report_data(1));
  REQUIRE_FALSE(never);
  CHECK(never.error().code == Errc::timed_out);
}

TEST_CASE("the host's other quotes are of another TD, or of another time") {
  TdxModule module(td(), unsigned_quote);
  TsmModel tree(module);
  const auto device = hwio::make_configfs_tsm(make_tsm_files(tree));
  module.set_faults({.other_td = true});
  const auto other = parse_td_quote(device->report(test::report_data(1)).value().report);
  REQUIRE(other);
  CHECK(other->body.report_data == test::report_data(1));
  CHECK(other->body.mrtd != td().mrtd);
  module.set_faults({.other_nonce = true});
  const auto old = parse_td_quote(device->report(test::report_data(1)).value().report);
  REQUIRE(old);
  CHECK(old->body.report_data != test::report_data(1));
  CHECK(old->body.mrtd == td().mrtd);
}

TEST_CASE("an extended register shows in sysfs, in the TDREPORT and in quotes alike") {
  TdxModule module(td(), unsigned_quote);
  FixedBytes<48> digest{};
  digest.fill(std::byte{9});
  const auto value = hwio::Rtmrs(make_measurements(module)).extend(3, digest);
  REQUIRE(value);
  const auto guest = make_tdx_guest(module);
  const auto bytes = hwio::td_report(*guest, test::report_data(2));
  REQUIRE(bytes);
  CHECK(check_td_report_digests(*bytes));
  const auto report = parse_td_report(*bytes);
  REQUIRE(report);
  CHECK(report->rtmrs[3] == *value);
  CHECK(report->report_data == test::report_data(2));
  const auto quote = parse_td_quote(module.report_new({.inblob = Bytes(64)}).value().outblob);
  REQUIRE(quote);
  CHECK(quote->body.rtmrs[3] == *value);
}

TEST_CASE("a simulated boot's CC event log replays to its RTMRs, and says whether Secure Boot was on") {
  for (const bool secure_boot : {true, false}) {
    BootOptions options;
    options.secure_boot = secure_boot;
    const MeasuredBoot boot = measure_boot(options);
    const auto log = parse_cc_event_log(boot.cc_event_log);
    REQUIRE(log);
    CHECK(replay_rtmrs(*log) == boot.rtmrs);
    CHECK(cc_measured_secure_boot(*log) == std::optional(secure_boot));
    for (unsigned i = 0; i < 3; ++i) CHECK_FALSE(all_zero(boot.rtmrs[i]));
    CHECK(all_zero(boot.rtmrs[3]));
  }
}

TEST_CASE("another command line makes another RTMR 2, and no other register differ") {
  BootOptions options;
  const MeasuredBoot first = measure_boot(options);
  options.command_line += " init=/bin/sh";
  const MeasuredBoot second = measure_boot(options);
  CHECK(first.rtmrs[0] == second.rtmrs[0]);
  CHECK(first.rtmrs[1] == second.rtmrs[1]);
  CHECK(first.rtmrs[2] != second.rtmrs[2]);
}

}  // namespace attestd::sim
