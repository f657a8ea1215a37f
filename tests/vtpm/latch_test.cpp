#include "vtpm/latch.h"

#include "base/file.h"
#include "evidence/cel.h"
#include "evidence/event_log.h"
#include "hwio/tpm.h"
#include "tests/catch.h"
#include "tests/vtpm/owner.h"

using namespace attestd;
using namespace attestd::test;

namespace {

// RTMR 3 of a TD, in process: it extends as the module does.
class Registers final : public hwio::MeasurementFiles {
 public:
  explicit Registers(Bytes& value) : value_(value) {}
  Result<Bytes> read(const std::string& name) override {
    if (name != "rtmr3:sha384") return fail(Errc::not_found, name);
    return value_;
  }
  Result<void> write(const std::string& name, ByteView bytes) override {
    if (name != "rtmr3:sha384") return fail(Errc::not_found, name);
    value_ = digest(HashAlgorithm::sha384, {value_, bytes});
    return {};
  }
  [[nodiscard]] std::string where() const override { return "test"; }

 private:
  Bytes& value_;
};

}  // namespace

TEST_CASE("PCR 15 follows from the log that the latch leaves") {
  const Swtpm swtpm;
  const std::string log = swtpm.folder().file("run/measure.log");
  REQUIRE(vtpm::latch_tpm({swtpm.tcti(), {}, "de305d54-75b4-431b-adb2-eb6b9e546014", log}));
  REQUIRE(vtpm::latch_tpm({swtpm.tcti(), {}, "second", log}));
  const auto events = parse_userspace_log(read_file(log, 65536).value());
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK(events->front().pcr == 15);
  CHECK(events->front().event_type == "attestd-unlock");
  CHECK(events->front().string == "attestd-unlock: latched by volume de305d54-75b4-431b-adb2-eb6b9e546014");
  const auto quote =
      hwio::Tpm::make({.tcti = swtpm.tcti(), .banks = {0x0b, 0x0c}, .pcrs = {15}})->quote(Bytes(32, std::byte{1}));
  REQUIRE(quote);
  for (const HashAlgorithm bank : {HashAlgorithm::sha256, HashAlgorithm::sha384}) {
    PcrBank values;
    replay(*events, bank, values);
    CHECK(values.at(15) == quote->pcrs.at(static_cast<std::uint16_t>(bank)).at(15));
  }
}

TEST_CASE("RTMR 3 follows from the record that the latch leaves") {
  const TemporaryFolder folder;
  Bytes value(48);
  hwio::Rtmrs rtmrs(std::make_unique<Registers>(value));
  REQUIRE(vtpm::latch_td(rtmrs, "uuid", folder.file("cel")));
  const auto records = parse_cel(read_file(folder.file("cel"), 65536).value());
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK(records->front().register_kind == CelRegister::cc_register);
  CHECK(records->front().register_index == 3);
  CHECK(as_text(records->front().content) == vtpm::latch_text("uuid"));
  CHECK(value == digest(HashAlgorithm::sha384, {Bytes(48), records->front().digests.at(0).value}));
}

TEST_CASE("a latch on another TPM than the pinned one is refused") {
  const Swtpm swtpm;
  const auto latched = vtpm::latch_tpm({swtpm.tcti(), Bytes(34), "uuid", swtpm.folder().file("log.json")});
  CHECK(code_of(latched) == Errc::mismatch);
}
