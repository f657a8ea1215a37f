#include "hwio/configfs_tsm.h"

#include <unistd.h>

#include <cerrno>
#include <deque>
#include <map>
#include <set>

#include "tests/catch.h"

namespace attestd::hwio {
namespace {

// What a test can see and change of FakeTsm after the device owns it.
struct Kernel {
  std::string provider = "sev_guest";
  bool has_auxblob = true;
  Bytes auxblob = to_bytes("certificates");
  Bytes outblob;                                  // instead of one made from inblob
  std::map<std::string, std::deque<int>> errors;  // operation or attribute name to errnos, used up one a call
  std::map<std::string, int> lasting_errors;      // the same, for ever
  unsigned foreign_writes = 0;                    // that many times another process writes after we do
  unsigned lost_writes = 0;                       // that many times inblob is lost, as EBUSY on close is
  unsigned foreign_writes_during_read = 0;        // after outblob was read
  unsigned vanishing = 0;                         // that many times the entry goes after inblob is written
  unsigned long first_generation = 0;
  std::set<std::string> entries;
  std::vector<std::string> made;
  std::string privlevel;
  unsigned outblob_reads = 0;
};

// Keeps to the kernel's rules of generation, and refuses as it is told.
class FakeTsm final : public TsmFiles {
 public:
  explicit FakeTsm(std::shared_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

  Result<void> make_entry(const std::string& entry) override {
    ATTESTD_CHECK(refuse("mkdir"));
    if (!kernel_->entries.insert(entry).second) return fail_errno(EEXIST, "cannot create");
    kernel_->made.push_back(entry);
    generation_ = kernel_->first_generation;
    inblob_.clear();
    return {};
  }

  Result<void> write(const std::string& entry, std::string_view attribute, ByteView bytes) override {
    if (!kernel_->entries.contains(entry)) return fail_errno(ENOENT, "cannot open");
    ATTESTD_CHECK(refuse(std::string(attribute)));
    if (attribute == "privlevel") {
      kernel_->privlevel = as_text(bytes);
      ++generation_;
      return {};
    }
    if (attribute != "inblob" || bytes.size() != 64) return fail_errno(EINVAL, "cannot write");
    if (once(kernel_->lost_writes)) return {};
    inblob_ = to_bytes(bytes);
    ++generation_;
    if (once(kernel_->foreign_writes)) ++generation_;
    if (once(kernel_->vanishing)) kernel_->entries.erase(entry);
    return {};
  }

  Result<Bytes> read(const std::string& entry, std::string_view attribute) override {
    if (!kernel_->entries.contains(entry)) return fail_errno(ENOENT, "cannot open");
    if (attribute == "auxblob" && !kernel_->has_auxblob) return fail_errno(ENOENT, "cannot open");
    ATTESTD_CHECK(refuse(std::string(attribute)));
    if (attribute == "generation") return to_bytes(std::to_string(generation_) + "\n");
    if (attribute == "provider") return to_bytes(kernel_->provider + "\n");
    if (attribute == "auxblob") return kernel_->auxblob;
    if (attribute != "outblob") return fail_errno(ENOENT, "cannot open");
    ++kernel_->outblob_reads;
    if (once(kernel_->foreign_writes_during_read)) ++generation_;
    if (!kernel_->outblob.empty()) return kernel_->outblob;
    Bytes report = to_bytes("report over ");
    report.insert(report.end(), inblob_.begin(), inblob_.end());
    return report;
  }

  Result<void> remove_entry(const std::string& entry) override {
    if (kernel_->entries.erase(entry) == 0) return fail_errno(ENOENT, "cannot remove");
    return {};
  }

  [[nodiscard]] std::string where() const override { return "/fake/tsm/report"; }

 private:
  static bool once(unsigned& count) { return count > 0 && count-- > 0; }

  Result<void> refuse(const std::string& operation) {
    if (const auto lasting = kernel_->lasting_errors.find(operation); lasting != kernel_->lasting_errors.end()) {
      return fail_errno(lasting->second, "cannot " + operation);
    }
    std::deque<int>& errors = kernel_->errors[operation];
    if (errors.empty()) return {};
    const int error = errors.front();
    errors.pop_front();
    if (error == 0) return {};
    return fail_errno(error, "cannot " + operation);
  }

  std::shared_ptr<Kernel> kernel_;
  unsigned long generation_ = 0;
  Bytes inblob_;
};

struct Fixture {
  explicit Fixture(ConfigfsTsmOptions options = {}) {
    options.first_backoff = std::chrono::milliseconds(0);
    device = make_configfs_tsm(std::make_unique<FakeTsm>(kernel), options);
    report_data.fill(std::byte{0x5a});
  }
  std::shared_ptr<Kernel> kernel = std::make_shared<Kernel>();
  std::unique_ptr<ReportDevice> device;
  FixedBytes<64> report_data;

  [[nodiscard]] Bytes expected() const {
    Bytes report = to_bytes("report over ");
    report.insert(report.end(), report_data.begin(), report_data.end());
    return report;
  }
};

TEST_CASE("a report comes with its certificates and provider, and the entry is removed") {
  Fixture fixture;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->report == fixture.expected());
  CHECK(report->certificates == to_bytes("certificates"));
  CHECK(report->provider == "sev_guest");
  CHECK(report->attempts == 1);
  CHECK(fixture.kernel->entries.empty());
  CHECK(fixture.kernel->privlevel.empty());
  REQUIRE(fixture.kernel->made.size() == 1);
  CHECK(fixture.kernel->made[0].starts_with("attestd-" + std::to_string(::getpid()) + "-"));
}

TEST_CASE("two devices of one process never use the same entry") {
  Fixture one;
  Fixture two;
  REQUIRE(one.device->report(one.report_data));
  REQUIRE(two.device->report(two.report_data));
  CHECK(one.kernel->made != two.kernel->made);
}

TEST_CASE("a provider without certificates gives a report without them") {
  Fixture fixture;
  fixture.kernel->provider = "tdx_guest";
  fixture.kernel->has_auxblob = false;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->certificates.empty());
  CHECK(report->provider == "tdx_guest");
}

TEST_CASE("the privilege level is written only when asked for, and counts as a write of ours") {
  Fixture fixture(ConfigfsTsmOptions{.privlevel = 2});
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(fixture.kernel->privlevel == "2");
  CHECK(report->attempts == 1);
}

TEST_CASE("a generation that wraps is no change") {
  Fixture fixture;
  fixture.kernel->first_generation = ~0UL;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->attempts == 1);
}

TEST_CASE("what passes by itself is tried again in a new entry") {
  struct Case {
    const char* what;
    void (*arrange)(Kernel&);
    unsigned attempts;
  };
  const auto the_case = GENERATE(values<Case>({
      {"inblob busy", [](Kernel& k) { k.errors["inblob"] = {EBUSY, EBUSY, EBUSY}; }, 4},
      {"mkdir busy", [](Kernel& k) { k.errors["mkdir"] = {EBUSY}; }, 2},
      {"left-over entry of the same name", [](Kernel& k) { k.errors["mkdir"] = {EEXIST}; }, 2},
      {"outblob would block", [](Kernel& k) { k.errors["outblob"] = {EWOULDBLOCK, EWOULDBLOCK}; }, 3},
      {"outblob interrupted", [](Kernel& k) { k.errors["outblob"] = {EINTR}; }, 2},
      {"auxblob would block", [](Kernel& k) { k.errors["auxblob"] = {EWOULDBLOCK}; }, 2},
      {"another writer after our write", [](Kernel& k) { k.foreign_writes = 2; }, 3},
      {"another writer while reading", [](Kernel& k) { k.foreign_writes_during_read = 1; }, 2},
      {"our write was lost", [](Kernel& k) { k.lost_writes = 1; }, 2},
      {"the entry vanished", [](Kernel& k) { k.vanishing = 2; }, 3},
  }));
  INFO(the_case.what);
  Fixture fixture;
  the_case.arrange(*fixture.kernel);
  const std::set<std::string> before = fixture.kernel->entries;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(report);
  CHECK(report->report == fixture.expected());
  CHECK(report->attempts == the_case.attempts);
  CHECK(fixture.kernel->entries == before);
  const std::set<std::string> names(fixture.kernel->made.begin(), fixture.kernel->made.end());
  CHECK(names.size() == fixture.kernel->made.size());
}

TEST_CASE("a report is never taken from an entry whose generation is not ours") {
  Fixture fixture;
  fixture.kernel->foreign_writes = 1000;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == Errc::changed);
  CHECK(fixture.kernel->made.size() == 10);
  CHECK(fixture.kernel->outblob_reads == 0);
  CHECK(fixture.kernel->entries.empty());
}

TEST_CASE("each refusal that lasts has its own code and sentence") {
  struct Case {
    const char* operation;
    int error;
    Errc code;
    const char* sentence;
    std::size_t entries;
  };
  const auto the_case = GENERATE(values<Case>({
      {"mkdir", ENXIO, Errc::not_found, "no TSM provider", 0},
      {"mkdir", ENOENT, Errc::not_found, "is configfs mounted", 0},
      {"mkdir", EACCES, Errc::permission, "mkdir", 0},
      {"outblob", EBUSY, Errc::busy, "no report after 10 attempts", 10},
      {"outblob", EWOULDBLOCK, Errc::changed, "no report after 10 attempts", 10},
      {"outblob", ENOTTY, Errc::key_wiped, "only a reboot", 1},
      {"outblob", EOPNOTSUPP, Errc::unsupported, "does not support", 1},
      {"outblob", EINVAL, Errc::usage, "refuses the request", 1},
      {"outblob", EIO, Errc::io, "security processor failed", 1},
      {"outblob", ETIMEDOUT, Errc::timed_out, "did not answer", 1},
      {"auxblob", EIO, Errc::io, "security processor failed", 1},
      {"generation", EPERM, Errc::permission, "generation", 1},
  }));
  INFO(the_case.operation << " " << the_case.error);
  Fixture fixture;
  fixture.kernel->lasting_errors[the_case.operation] = the_case.error;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == the_case.code);
  CHECK(report.error().os_error == the_case.error);
  CHECK_THAT(report.error().message, Catch::Contains(the_case.sentence));
  CHECK(fixture.kernel->made.size() == the_case.entries);
  CHECK(fixture.kernel->entries.empty());
}

TEST_CASE("a refused privilege level is named") {
  Fixture fixture(ConfigfsTsmOptions{.privlevel = 0});
  fixture.kernel->lasting_errors["privlevel"] = EINVAL;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK_THAT(report.error().message, Catch::Contains("privilege level"));
}

TEST_CASE("ENOTTY from another provider than sev-guest is no wiped key") {
  Fixture fixture;
  fixture.kernel->provider = "tdx_guest";
  fixture.kernel->lasting_errors["outblob"] = ENOTTY;
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == Errc::not_found);
}

TEST_CASE("blobs and names outside what the format allows are refused") {
  struct Case {
    const char* what;
    void (*arrange)(Kernel&);
    Errc code;
  };
  const auto the_case = GENERATE(values<Case>({
      {"outblob over 64 KiB", [](Kernel& k) { k.outblob.resize((64U << 10U) + 1); }, Errc::out_of_range},
      {"auxblob over 256 KiB", [](Kernel& k) { k.auxblob.resize((256U << 10U) + 1); }, Errc::out_of_range},
      {"provider with an escape", [](Kernel& k) { k.provider = "sev\x1b[2J"; }, Errc::malformed},
      {"provider without a name", [](Kernel& k) { k.provider = ""; }, Errc::malformed},
      {"provider of 65 characters", [](Kernel& k) { k.provider = std::string(65, 'x'); }, Errc::malformed},
  }));
  INFO(the_case.what);
  Fixture fixture;
  the_case.arrange(*fixture.kernel);
  const auto report = fixture.device->report(fixture.report_data);
  REQUIRE(!report);
  CHECK(report.error().code == the_case.code);
  CHECK(fixture.kernel->entries.empty());
}

TEST_CASE("a report after a failed one is a report") {
  Fixture fixture;
  fixture.kernel->errors["outblob"] = {EIO};
  CHECK(!fixture.device->report(fixture.report_data));
  CHECK(fixture.device->report(fixture.report_data));
}

}  // namespace
}  // namespace attestd::hwio
