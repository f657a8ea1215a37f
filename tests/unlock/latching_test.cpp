#include "unlock/latching.h"

#include "tests/catch.h"
#include "tests/hwio/swtpm.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using namespace attestd::test;
using namespace attestd::unlock;

namespace {

// RTMR 3 as the module has it, or as a kernel before Linux 6.16 has not.
class Registers final : public hwio::MeasurementFiles {
 public:
  Registers(Bytes& value, bool extends) : value_(value), extends_(extends) {}
  Result<Bytes> read(const std::string&) override { return value_; }
  Result<void> write(const std::string& name, ByteView bytes) override {
    if (!extends_ || name != "rtmr3:sha384") return fail(Errc::not_found, name);
    value_ = digest(HashAlgorithm::sha384, {value_, bytes});
    return {};
  }
  [[nodiscard]] std::string where() const override { return "test"; }

 private:
  Bytes& value_;
  bool extends_;
};

Settings settings_with(Method method, std::string latch) {
  Settings out;
  out.method = method;
  out.latch = std::move(latch);
  return out;
}
const Volume root{"root", "/dev/null", "de305d54-75b4-431b-adb2-eb6b9e546014"};

}  // namespace

TEST_CASE("the TPM's latch closes unless another volume is named, a broker's where this one is") {
  struct Case {
    Method method;
    std::string latch;
    bool wanted;
  };
  const std::vector<Case> cases = {{Method::vtpm, "", true},       {Method::vtpm, "root", true},
                                   {Method::vtpm, "data", false},  {Method::broker, "", false},
                                   {Method::broker, "root", true}, {Method::broker, "data", false}};
  for (const Case& c : cases) {
    INFO(c.latch);
    CHECK(wants_latch(settings_with(c.method, c.latch), root) == c.wanted);
  }
}

TEST_CASE("a latch behind a volume that nothing names is refused") {
  const std::string words = "rd.luks.name=de305d54-75b4-431b-adb2-eb6b9e546014=root quiet";
  const std::string crypttab = "data UUID=de305d54-75b4-431b-adb2-eb6b9e546015 - attestd\n";
  for (const std::string latch : {"", "root", "data"}) {
    INFO(latch);
    CHECK(require_latch_volume(settings_with(Method::broker, latch), words, crypttab));
  }
  for (const std::string latch : {"roof", "de305d54-75b4-431b-adb2-eb6b9e546014"}) {
    INFO(latch);
    const auto refused = require_latch_volume(settings_with(Method::vtpm, latch), words, crypttab);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::usage);
  }
  CHECK_FALSE(require_latch_volume(settings_with(Method::broker, "data"), words, {}));
}

TEST_CASE("a latch that cannot be closed is an error") {
  agent::Config machine;
  machine.tpm.tcti = "off";
  const Settings settings = settings_with(Method::broker, "root");
  CHECK(close_latch(settings, machine, root, {}, nullptr).error().code == Errc::unavailable);
  Bytes value(48);
  hwio::Rtmrs old(std::make_unique<Registers>(value, false));
  CHECK_FALSE(close_latch(settings, machine, root, {}, &old));
  CHECK(all_zero(value));
}

TEST_CASE("a TPM beside a TD whose RTMR 3 cannot be extended does not do") {
  const Swtpm swtpm;
  agent::Config machine;
  machine.tpm.tcti = swtpm.tcti();
  machine.event_log.userspace = swtpm.folder().file("measure.log");
  const Settings settings = settings_with(Method::broker, "root");
  Bytes value(48);
  hwio::Rtmrs old(std::make_unique<Registers>(value, false));
  CHECK_FALSE(close_latch(settings, machine, root, {}, &old));
  CHECK(close_latch(settings, machine, root, {}, nullptr));
}
