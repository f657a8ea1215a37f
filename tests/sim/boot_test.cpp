#include "sim/boot.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "sim/software_tpm.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

TEST_CASE("the logs of a simulated boot replay to what the TPM holds, in each bank") {
  if (::access("/usr/bin/swtpm", X_OK) != 0) {
    std::cout << "skipped: swtpm is not installed\n";
    return;
  }
  const test::TemporaryFolder folder;
  const auto tpm = SoftwareTpm::start(folder.path());
  INFO((tpm ? std::string("started") : tpm.error().text()));
  REQUIRE(tpm.has_value());
  const BootOptions options;
  const MeasuredBoot boot = measure_boot(options);
  const auto extended = extend_pcrs((*tpm)->tcti(), boot.extensions);
  INFO((extended ? std::string("extended") : extended.error().text()));
  REQUIRE(extended.has_value());

  const auto log = parse_event_log(boot.firmware_log);
  REQUIRE(log.has_value());
  const auto userspace = parse_userspace_log(boot.userspace_log);
  REQUIRE(userspace.has_value());
  CHECK(userspace->size() == 5);
  for (const HashAlgorithm bank : options.banks) {
    PcrBank replayed = replay(*log, bank);
    replay(*userspace, bank, replayed);
    const auto held = read_pcrs((*tpm)->tcti(), bank);
    INFO(hash_name(bank) << ": " << (held ? std::string("read") : held.error().text()));
    REQUIRE(held.has_value());
    unsigned compared = 0;
    for (const auto& [index, value] : *held) {
      INFO("PCR " << index);
      if (replayed.contains(index)) {
        CHECK(replayed.at(index) == value);
        CHECK(value != pcr_initial_value(bank, index));
        ++compared;
      } else {
        CHECK(value == pcr_initial_value(bank, index));
      }
    }
    CHECK(compared == 11);  // 0 to 7, 11, 12, 15
  }
}

TEST_CASE("Secure Boot and the command line show in the PCRs that they belong to") {
  const auto replayed = [](const BootOptions& options) {
    const MeasuredBoot boot = measure_boot(options);
    return replay(parse_event_log(boot.firmware_log).value(), HashAlgorithm::sha256);
  };
  const PcrBank usual = replayed({});
  BootOptions options;
  options.secure_boot = false;
  const PcrBank insecure = replayed(options);
  options = {};
  options.command_line = "init=/bin/sh";
  const PcrBank shell = replayed(options);
  CHECK(usual == replayed({}));
  for (const auto& [index, value] : usual) {
    INFO("PCR " << index);
    CHECK((insecure.at(index) == value) == (index != 7));
    CHECK((shell.at(index) == value) == (index != 11 && index != 12));
  }
}

TEST_CASE("a second TPM in the same folder is refused, and one that stopped comes back") {
  if (::access("/usr/bin/swtpm", X_OK) != 0) {
    std::cout << "skipped: swtpm is not installed\n";
    return;
  }
  const test::TemporaryFolder folder;
  auto tpm = SoftwareTpm::start(folder.path());
  REQUIRE(tpm.has_value());
  const auto second = SoftwareTpm::start(folder.path());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::refused);
  tpm->reset();
  CHECK_FALSE(read_pcrs(software_tpm_tcti(folder.path()), HashAlgorithm::sha256).has_value());
  tpm = SoftwareTpm::start(folder.path());
  REQUIRE(tpm.has_value());
  CHECK(read_pcrs((*tpm)->tcti(), HashAlgorithm::sha256).has_value());
}

}  // namespace
}  // namespace attestd::sim
