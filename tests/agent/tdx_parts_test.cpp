#include "agent/tdx_parts.h"

#include <cstring>

#include "evidence/ccel.h"
#include "evidence/event_log_writer.h"
#include "evidence/td_report.h"
#include "hwio/tdx_guest_abi.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::agent {
namespace {

TdReport td() {
  TdReport out;
  out.type = td_tee_type_tdx;
  out.td_attributes.raw = 0x10000000;
  out.xfam = 0xe7;
  out.mrtd.fill(std::byte{1});
  out.rtmrs[2].fill(std::byte{2});
  return out;
}

// The TDX module of td(), for any report data.
class FakeTdxGuest final : public hwio::IoctlDevice {
 public:
  int ioctl(unsigned long /*request*/, void* argument) override {
    auto* const exchange = static_cast<hwio::tdx_guest::ReportRequest*>(argument);
    TdReport report = td();
    std::memcpy(report.report_data.data(), exchange->reportdata, report.report_data.size());
    set_td_report_digests(report);
    const Bytes bytes = encode_td_report(report);
    std::memcpy(exchange->tdreport, bytes.data(), sizeof exchange->tdreport);
    return 0;
  }
  [[nodiscard]] std::string where() const override { return "/dev/fake"; }
};

Result<std::unique_ptr<hwio::IoctlDevice>> open_fake() { return std::make_unique<FakeTdxGuest>(); }

Bundle bundle_with(const TdReport& report) {
  TdQuote quote;
  quote.version = 5;
  quote.attestation_key_type = td_key_type_ecdsa_p256;
  quote.tee_type = td_tee_type_tdx;
  quote.body = td_quote_body(report, TdBodyType::td_15);
  Bundle out;
  out.td_quote = encode_td_quote(quote);
  return out;
}

}  // namespace

TEST_CASE("a quote of this TD passes, whatever its registers have become meanwhile") {
  const ReportPart part = same_td_part(open_fake);
  TdReport later = td();
  later.rtmrs[3].fill(std::byte{9});
  later.report_data.fill(std::byte{7});
  Bundle bundle = bundle_with(later);
  CHECK(part({}, bundle));
}

TEST_CASE("the quote of another TD is not passed on") {
  struct Case {
    const char* field;
    void (*change)(TdReport&);
  };
  const Case cases[] = {
      {"MRTD", [](TdReport& report) { report.mrtd.back() ^= std::byte{1}; }},
      {"TD attributes", [](TdReport& report) { report.td_attributes.raw |= 1; }},
      {"XFAM", [](TdReport& report) { report.xfam |= 8; }},
      {"MRCONFIGID", [](TdReport& report) { report.mrconfigid.back() ^= std::byte{1}; }},
      {"MROWNER", [](TdReport& report) { report.mrowner.back() ^= std::byte{1}; }},
      {"MROWNERCONFIG", [](TdReport& report) { report.mrownerconfig.back() ^= std::byte{1}; }},
  };
  const ReportPart part = same_td_part(open_fake);
  for (const Case& one : cases) {
    CAPTURE(one.field);
    TdReport other = td();
    one.change(other);
    Bundle bundle = bundle_with(other);
    const auto result = part({}, bundle);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::mismatch);
    CHECK(result.error().message.find("its " + std::string(one.field) + " is") != std::string::npos);
  }
}

TEST_CASE("without a device nothing is compared, a device that fails is an error") {
  const auto failing = [](Errc code) {
    return same_td_part([code]() -> Result<std::unique_ptr<hwio::IoctlDevice>> { return fail(code, "no"); });
  };
  Bundle bundle = bundle_with(td());
  CHECK(failing(Errc::not_found)({}, bundle));
  CHECK(failing(Errc::permission)({}, bundle).error().code == Errc::permission);
  Bundle no_td;
  CHECK(failing(Errc::permission)({}, no_td));
}

TEST_CASE("the CC event log goes into the bundle without its padding") {
  const test::TemporaryFolder folder;
  EventLogWriter log({HashAlgorithm::sha384});
  log.measure(1, 4, Bytes(4));
  Bytes area = log.bytes();
  area.resize(4096, std::byte{0xff});
  const std::string path = folder.write("CCEL", as_text(area));
  Bundle bundle;
  CHECK(cc_event_log_part(path)({}, bundle));
  CHECK(bundle.cc_event_log == log.bytes());
}

TEST_CASE("a CC event log that is not there leaves the bundle without one") {
  const test::TemporaryFolder folder;
  Bundle bundle;
  CHECK(cc_event_log_part("")({}, bundle));
  CHECK(cc_event_log_part(folder.file("absent"))({}, bundle));
  CHECK(bundle.cc_event_log.empty());
  CHECK(cc_event_log_part(folder.path())({}, bundle).error().code == Errc::io);
}

}  // namespace attestd::agent
