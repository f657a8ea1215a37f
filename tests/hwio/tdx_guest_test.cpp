#include "hwio/tdx_guest.h"

#include <openssl/sha.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "base/file.h"
#include "hwio/rtmr.h"
#include "hwio/tdx_guest_abi.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

#if __has_include(<linux/tdx-guest.h>)
#include <linux/tdx-guest.h>
static_assert(sizeof(tdx_report_req) == sizeof(attestd::hwio::tdx_guest::ReportRequest));
static_assert(TDX_CMD_GET_REPORT0 == attestd::hwio::tdx_guest::get_report0);
#endif

namespace attestd::hwio {
namespace {

namespace abi = tdx_guest;

// Answers with the errno values it was given, and then with a report.
class FakeTdxGuest final : public IoctlDevice {
 public:
  explicit FakeTdxGuest(std::vector<int> failures, int* calls = nullptr)
      : failures_(std::move(failures)), calls_(calls) {}

  int ioctl(unsigned long request, void* argument) override {
    if (request != abi::get_report0) return ENOTTY;
    if (calls_ != nullptr) ++*calls_;
    if (next_ < failures_.size()) return failures_[next_++];
    auto* const exchange = static_cast<abi::ReportRequest*>(argument);
    std::memset(exchange->tdreport, 0, sizeof exchange->tdreport);
    exchange->tdreport[0] = 0x81;
    std::memcpy(exchange->tdreport + 0x80, exchange->reportdata, 64);
    for (unsigned i = 0; i < abi::rtmr_count; ++i) {
      std::memset(exchange->tdreport + abi::rtmr_offset + i * abi::rtmr_size, static_cast<int>(0x10 + i),
                  abi::rtmr_size);
    }
    return 0;
  }
  [[nodiscard]] std::string where() const override { return "/dev/fake"; }

 private:
  std::vector<int> failures_;
  int* calls_;
  std::size_t next_ = 0;
};

// As the kernel's attributes: a write extends.
class FakeMeasurements final : public MeasurementFiles {
 public:
  std::map<std::string, Bytes> registers;
  bool intruder = false;  // extends each register once more, after us

  Result<Bytes> read(const std::string& name) override {
    const auto found = registers.find(name);
    if (found == registers.end()) return fail_errno(ENOENT, "no " + name);
    return found->second;
  }
  Result<void> write(const std::string& name, ByteView bytes) override {
    const auto found = registers.find(name);
    if (found == registers.end()) return fail_errno(ENOENT, "no " + name);
    if (bytes.size() != 48) return fail_errno(EINVAL, "a write of another size");
    for (int round = 0; round < (intruder ? 2 : 1); ++round) found->second = extended(found->second, bytes);
    return {};
  }
  [[nodiscard]] std::string where() const override { return "fake"; }

  static Bytes extended(const Bytes& value, ByteView digest) {
    Bytes both = value;
    both.insert(both.end(), digest.begin(), digest.end());
    Bytes out(48);
    SHA384(reinterpret_cast<const unsigned char*>(both.data()), both.size(),
           reinterpret_cast<unsigned char*>(out.data()));
    return out;
  }
};

FixedBytes<48> filled(std::uint8_t value) {
  FixedBytes<48> out{};
  out.fill(std::byte{value});
  return out;
}

}  // namespace

TEST_CASE("a TDREPORT carries the data that it was asked for") {
  FakeTdxGuest device({});
  FixedBytes<64> data{};
  data.fill(std::byte{0x5a});
  const auto report = td_report(device, data);
  REQUIRE(report);
  REQUIRE(report->size() == 1024);
  CHECK(std::equal(data.begin(), data.end(), report->begin() + 0x80));
}

TEST_CASE("a busy TDX module is asked again, and not for ever") {
  FakeTdxGuest sometimes({EBUSY, EINTR, EBUSY});
  CHECK(td_report(sometimes, {}));
  int calls = 0;
  FakeTdxGuest always(std::vector<int>(1000, EBUSY), &calls);
  const auto refused = td_report(always, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::busy);
  CHECK(calls < 100);
}

TEST_CASE("other failures of the TDX guest device are told at once") {
  for (const auto& [os_error, code] : {std::pair{ENOTTY, Errc::unsupported}, std::pair{EINVAL, Errc::unsupported},
                                       std::pair{EIO, Errc::io}, std::pair{EFAULT, Errc::io}}) {
    CAPTURE(os_error);
    int calls = 0;
    FakeTdxGuest device({os_error}, &calls);
    const auto report = td_report(device, {});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == code);
    CHECK(report.error().os_error == os_error);
    CHECK(calls == 1);
  }
}

TEST_CASE("an RTMR is read from sysfs, and from a TDREPORT where sysfs has none") {
  const test::TemporaryFolder folder;
  const auto value = filled(7);
  REQUIRE(replace_file(folder.file("rtmr1:sha384"), value, 0600));
  Rtmrs rtmrs(open_measurements(folder.path()), std::make_unique<FakeTdxGuest>(std::vector<int>{}));
  CHECK(rtmrs.read(1).value() == value);
  for (unsigned i : {0U, 2U, 3U}) CHECK(rtmrs.read(i).value() == filled(static_cast<std::uint8_t>(0x10 + i)));
  CHECK(rtmrs.read(4).error().code == Errc::usage);
  Rtmrs no_device(open_measurements(folder.path()));
  CHECK(no_device.read(2).error().code == Errc::not_found);
}

TEST_CASE("an RTMR of another size is refused") {
  const test::TemporaryFolder folder;
  REQUIRE(replace_file(folder.file("rtmr0:sha384"), Bytes(47), 0600));
  REQUIRE(replace_file(folder.file("rtmr1:sha384"), Bytes(49), 0600));
  Rtmrs rtmrs(open_measurements(folder.path()));
  CHECK(rtmrs.read(0).error().code == Errc::malformed);
  CHECK(rtmrs.read(1).error().code == Errc::malformed);
}

TEST_CASE("an extended RTMR shows the hash of its old value and the digest") {
  auto files = std::make_unique<FakeMeasurements>();
  files->registers["rtmr2:sha384"] = Bytes(48);
  Rtmrs rtmrs(std::move(files));
  const auto after = rtmrs.extend(2, filled(9));
  REQUIRE(after);
  CHECK(to_bytes(*after) == FakeMeasurements::extended(Bytes(48), filled(9)));
  CHECK(rtmrs.read(2).value() == *after);
}

TEST_CASE("an extension that the register does not show is reported") {
  auto files = std::make_unique<FakeMeasurements>();
  files->registers["rtmr3:sha384"] = Bytes(48);
  files->intruder = true;
  CHECK(Rtmrs(std::move(files)).extend(3, filled(9)).error().code == Errc::mismatch);
  // A plain file in the place of the attribute keeps the digest as it stands.
  const test::TemporaryFolder folder;
  REQUIRE(replace_file(folder.file("rtmr3:sha384"), Bytes(48), 0600));
  CHECK(Rtmrs(open_measurements(folder.path())).extend(3, filled(9)).error().code == Errc::mismatch);
}

TEST_CASE("without sysfs attributes an RTMR can be read but not extended") {
  Rtmrs rtmrs(std::make_unique<FakeMeasurements>(), std::make_unique<FakeTdxGuest>(std::vector<int>{}));
  CHECK(rtmrs.read(3));
  const auto refused = rtmrs.extend(3, filled(1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
}

}  // namespace attestd::hwio
