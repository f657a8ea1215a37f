#include <algorithm>
#include <filesystem>

#include "tests/catch.h"
#include "tests/vtpm/owner.h"
#include "vtpm/sealed.h"

using namespace attestd;
using namespace attestd::test;

namespace {

constexpr std::uint32_t index_of_ours = 0x01800100;

// A volume whose token is `disk`, as it was stored last.
struct Counted {
  Swtpm swtpm;
  Owner owner;
  std::string signatures = owner.signatures({fresh_pcrs()});
  luks::VtpmBinding disk;
  SecretBytes secret;
  std::vector<luks::VtpmBinding> stored;
  std::size_t crash_at = SIZE_MAX;  // of the stores: this one and what follows does not happen

  Counted() {
    auto asked = enrolment(swtpm.tcti(), owner);
    asked.counter = index_of_ours;
    asked.signatures = signatures;
    auto result = vtpm::enrol(asked);
    INFO((result ? std::string() : result.error().text()));
    REQUIRE(result);
    vtpm::Enrolled enrolled = *std::move(result);
    disk = enrolled.binding;
    secret = std::move(enrolled.secret);
  }
  [[nodiscard]] Result<SecretBytes> unseal(const luks::VtpmBinding& binding) const {
    return vtpm::unseal(request(swtpm.tcti(), binding, owner, signatures));
  }
  [[nodiscard]] bool opens(const luks::VtpmBinding& binding) const {
    const auto got = unseal(binding);
    return got && std::ranges::equal(got->view(), secret.view());
  }
  Result<void> advance() {
    stored.clear();
    return vtpm::advance_counter(request(swtpm.tcti(), disk, owner, signatures), secret,
                                 [&](const luks::VtpmBinding& binding) -> Result<void> {
                                   if (stored.size() == crash_at) return fail(Errc::io, "the power went");
                                   stored.push_back(binding);
                                   disk = binding;
                                   return {};
                                 });
  }
  void reboot() {
    swtpm.stop();
    swtpm.start();
  }
};

void check_refused(const Result<SecretBytes>& result, Errc code, const std::string& reason) {
  REQUIRE_FALSE(result);
  INFO(result.error().text());
  CHECK(result.error().code == code);
  CHECK(result.error().message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("a copy of the disk from before an unlock opens no more") {
  Counted volume;
  const luks::VtpmBinding first = volume.disk;
  REQUIRE(first.counter);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(volume.opens(volume.disk));
    REQUIRE(volume.advance());
    volume.reboot();
  }
  CHECK(volume.disk.counter->value == first.counter->value + 3);
  CHECK(volume.opens(volume.disk));
  check_refused(volume.unseal(first), Errc::refused, "the disk is an older copy");
}

TEST_CASE("an older copy whose token claims the newest count is refused by the TPM's policy") {
  Counted volume;
  luks::VtpmBinding forged = volume.disk;
  REQUIRE(volume.advance());
  forged.counter->value = volume.disk.counter->value;
  check_refused(volume.unseal(forged), Errc::refused, "another policy than the token says");
  forged = volume.disk;
  forged.counter.reset();
  check_refused(volume.unseal(forged), Errc::refused, "another policy than the token says");
}

TEST_CASE("a crash at any moment of an unlock leaves a disk that opens") {
  Counted volume;
  const luks::VtpmBinding before = volume.disk;
  SECTION("before the next blob was announced") {
    volume.crash_at = 0;
    CHECK_FALSE(volume.advance());
    CHECK(volume.opens(before));
  }
  SECTION("after it was announced, before the TPM counted") {
    REQUIRE(volume.advance());
    Counted fresh;
    luks::VtpmBinding announced = fresh.disk;
    announced.counter->next = fresh.disk.blob;  // whatever it is, `blob` is what opens
    CHECK(fresh.opens(announced));
  }
  SECTION("after the TPM counted, before that was stored") {
    volume.crash_at = 1;
    CHECK_FALSE(volume.advance());
    REQUIRE(volume.stored.size() == 1);
    CHECK(volume.disk.counter->value == before.counter->value);
    CHECK_FALSE(volume.disk.counter->next.empty());
    volume.reboot();
    CHECK(volume.opens(volume.disk));
    check_refused(volume.unseal(before), Errc::refused, "older copy");
    // And it goes on from there.
    volume.crash_at = SIZE_MAX;
    REQUIRE(volume.advance());
    CHECK(volume.disk.counter->value == before.counter->value + 2);
    CHECK(volume.disk.counter->next.empty());
    CHECK(volume.opens(volume.disk));
  }
}

TEST_CASE("a counter that was removed, or defined anew, opens nothing") {
  Counted volume;
  REQUIRE(volume.swtpm.tool("tpm2_nvundefine 0x01800100"));
  check_refused(volume.unseal(volume.disk), Errc::mismatch, "is not there");
  // By the owner themselves: it starts above all that was.
  auto asked = enrolment(volume.swtpm.tcti(), volume.owner);
  asked.counter = index_of_ours;
  asked.signatures = volume.signatures;
  const auto again = vtpm::enrol(asked);
  REQUIRE(again);
  CHECK(again->binding.counter->value > volume.disk.counter->value);
  check_refused(volume.unseal(volume.disk), Errc::refused, "older copy");
  // By somebody as another kind of index.
  REQUIRE(volume.swtpm.tool("tpm2_nvundefine 0x01800100"));
  REQUIRE(volume.swtpm.tool("tpm2_nvdefine 0x01800100 -C o -s 8 -a 'ownerwrite|ownerread|authread|authwrite'"));
  check_refused(volume.unseal(volume.disk), Errc::mismatch, "is something else");
}

TEST_CASE("only a boot that the owner signed may count") {
  Counted volume;
  PcrBank changed = fresh_pcrs();
  extend(volume.swtpm, 12, changed);
  CHECK_FALSE(volume.advance());
  CHECK_FALSE(volume.swtpm.tool("tpm2_nvincrement 0x01800100"));
  CHECK_FALSE(volume.swtpm.tool("tpm2_nvincrement -C o 0x01800100"));
  volume.signatures = volume.owner.signatures({changed});
  CHECK(volume.opens(volume.disk));
}

TEST_CASE("a TPM that is set back alone is noticed, and one that is set back with its disk is not") {
  Counted volume;
  const luks::VtpmBinding old_disk = volume.disk;
  const std::string state = volume.swtpm.folder().file("state");
  const std::string kept = volume.swtpm.folder().file("kept");
  volume.swtpm.stop();
  std::filesystem::copy(state, kept, std::filesystem::copy_options::recursive);
  volume.swtpm.start();
  REQUIRE(volume.advance());
  volume.swtpm.stop();
  std::filesystem::remove_all(state);
  std::filesystem::copy(kept, state, std::filesystem::copy_options::recursive);
  volume.swtpm.start();
  check_refused(volume.unseal(volume.disk), Errc::refused, "the TPM's state is older than the disk");
  // The limit that vtpm/sealed.h names.
  CHECK(volume.opens(old_disk));
}

TEST_CASE("a counter in a boot that nobody signed is not made") {
  const Swtpm swtpm;
  const Owner owner;
  auto asked = enrolment(swtpm.tcti(), owner);
  asked.counter = index_of_ours;
  asked.signatures = owner.signatures({});
  CHECK(code_of(vtpm::enrol(asked)) == Errc::refused);
  asked.signatures = owner.signatures({fresh_pcrs()});
  asked.counter = 0x81000001;
  CHECK(code_of(vtpm::enrol(asked)) == Errc::usage);
}
