#include "sim/machine.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/encoding.h"
#include "sim/signer/snp_signer.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"
#include "verifier/snp.h"

namespace attestd::sim {
namespace {

constexpr std::int64_t at = 1750000000;  // June 2025

MachineOptions without_devices(const std::string& folder) {
  MachineOptions options;
  options.state = folder + "/vm";
  options.measurement = simulated_measurement();
  options.tsm = false;
  options.tpm = false;
  return options;
}

void silent(const std::string& /*text*/) {}

TEST_CASE("a machine's report verifies under its own root and under no other") {
  const test::TemporaryFolder folder;
  MachineOptions options = without_devices(folder.path());
  options.guest_policy |= 1U << 19U;
  for (const bool vlek : {false, true}) {  // the second time over the same keys
    INFO((vlek ? "VLEK" : "VCEK"));
    options.vlek = vlek;
    auto machine = Machine::start(options, silent);
    INFO((machine ? std::string("started") : machine.error().text()));
    REQUIRE(machine.has_value());
    const auto hex = (*machine)->control("report " + to_hex(test::report_data(0xab)));
    REQUIRE(hex.has_value());
    const Bytes report = from_hex(*hex).value();
    const auto endorsements = load_snp_endorsements(options.state + "/certs");
    REQUIRE(endorsements.has_value());
    CHECK(endorsements->certificates.size() == 3);
    TrustRoots named;
    named.named.push_back(SnpSigner::load(options.state + "/keys").value().root_der());

    const SnpVerification verified = verify_snp(report, *endorsements, named, at);
    for (const Check& check : verified.checks) INFO(check.id << ": " << check.detail);
    CHECK(verified.good());
    CHECK(verified.simulated);
    CHECK(verified.signer == (vlek ? "VLEK" : "VCEK"));
    CHECK_FALSE(verify_snp(report, *endorsements, TrustRoots{}, at).good());
    REQUIRE(verified.report.has_value());
    CHECK(verified.report->report_data == test::report_data(0xab));
    CHECK(verified.report->measurement == simulated_measurement());
    CHECK(verified.report->policy.debug());
    CHECK(verified.report->policy.smt());
  }
}

TEST_CASE("one machine uses a state folder at a time, and says how to reach it last") {
  const test::TemporaryFolder folder;
  const MachineOptions options = without_devices(folder.path());
  auto machine = Machine::start(options, silent);
  REQUIRE(machine.has_value());
  CHECK_FALSE(std::filesystem::exists(options.state + "/attestd.toml"));
  const auto second = Machine::start(options, silent);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::refused);
  CHECK((*machine)->announce(silent).has_value());
  CHECK(std::filesystem::exists(options.state + "/attestd.toml"));
  CHECK(std::filesystem::exists(options.state + "/env.json"));

  for (const std::string line : {"", "fault", "fault rase 1", "tpm start", "report 00", "report zz", "reboot"}) {
    INFO("'" << line << "'");
    CHECK_FALSE((*machine)->control(line).has_value());
  }
  struct stat status = {};
  REQUIRE(::stat(options.state.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700);
}

}  // namespace
}  // namespace attestd::sim
