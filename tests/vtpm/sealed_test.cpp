#include "vtpm/sealed.h"

#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vtpm/owner.h"
#include "vtpm/latch.h"

using namespace attestd;
using namespace attestd::test;

namespace {

template <class T>
void check_refused(const Result<T>& result, Errc code, const std::string& reason) {
  REQUIRE_FALSE(result);
  INFO(result.error().text());
  CHECK(result.error().code == code);
  CHECK(result.error().message.find(reason) != std::string::npos);
  CHECK(result.error().message.find('\n') == std::string::npos);
}

// A volume without PIN and counter, in a fresh TPM.
struct Volume {
  Swtpm swtpm;
  Owner owner;
  vtpm::Enrolled enrolled = vtpm::enrol(enrolment(swtpm.tcti(), owner)).value();
  std::string signatures = owner.signatures({fresh_pcrs()});

  [[nodiscard]] Result<SecretBytes> unseal() const {
    return vtpm::unseal(request(swtpm.tcti(), enrolled.binding, owner, signatures));
  }
};

}  // namespace

TEST_CASE("what enrol seals, unseal gives in a boot that the owner signed, by each kind of key") {
  for (const KeyKind kind : {KeyKind::p256, KeyKind::rsa2048, KeyKind::rsa3072}) {
    const Swtpm swtpm;
    const Owner owner(kind);
    const auto enrolled = vtpm::enrol(enrolment(swtpm.tcti(), owner));
    REQUIRE(enrolled);
    CHECK(enrolled->secret.size() == 32);
    CHECK(enrolled->binding.pcrs == sealed_pcrs);
    const std::string signatures = owner.signatures({fresh_pcrs()});
    for (int i = 0; i < 2; ++i) {
      const auto secret = vtpm::unseal(request(swtpm.tcti(), enrolled->binding, owner, signatures));
      REQUIRE(secret);
      CHECK(std::ranges::equal(secret->view(), enrolled->secret.view()));
    }
    // The token has no secret in it, and a second volume has another.
    CHECK(std::ranges::search(enrolled->binding.blob, enrolled->secret.view()).empty());
    const auto other = vtpm::enrol(enrolment(swtpm.tcti(), owner));
    REQUIRE(other);
    CHECK_FALSE(std::ranges::equal(other->secret.view(), enrolled->secret.view()));
    CHECK(other->binding.srk_name == enrolled->binding.srk_name);
  }
}

TEST_CASE("a boot with other PCRs is refused by the PCR's number, until the owner signs it") {
  Volume volume;
  PcrBank updated = fresh_pcrs();
  extend(volume.swtpm, 11, updated);
  check_refused(volume.unseal(), Errc::refused, "PCR 11 differs from what the owner signed");
  extend(volume.swtpm, 4, updated);
  check_refused(volume.unseal(), Errc::refused, "PCR 4, 11 differ");
  volume.signatures = volume.owner.signatures({fresh_pcrs(), updated});
  const auto secret = volume.unseal();
  REQUIRE(secret);
  CHECK(std::ranges::equal(secret->view(), volume.enrolled.secret.view()));
  // A PCR that is not sealed to is nobody's business.
  PcrBank ignored;
  extend(volume.swtpm, 9, ignored);
  CHECK(volume.unseal());
}

TEST_CASE("a signature of somebody else's is of no use") {
  Volume volume;
  const Owner other;
  SECTION("under their own fingerprint") {
    volume.signatures = other.signatures({fresh_pcrs()});
    check_refused(volume.unseal(), Errc::refused, "no PCR policy is signed by the owner's key");
  }
  SECTION("under the owner's") {
    auto policies = vtpm::parse_signed_policies(other.signatures({fresh_pcrs()})).value();
    policies.front().key = volume.enrolled.binding.policy_key;
    volume.signatures = vtpm::encode_signed_policies(policies);
    check_refused(volume.unseal(), Errc::refused, "not by the policy key");
  }
  SECTION("with their key in the image") {
    const std::string signatures = other.signatures({fresh_pcrs()});
    auto asked = request(volume.swtpm.tcti(), volume.enrolled.binding, other, signatures);
    check_refused(vtpm::unseal(asked), Errc::mismatch, "not the one that the volume was enrolled with");
    // Nor in the token: the TPM's own policy has the owner's.
    asked.binding.policy_key = vtpm::read_policy_key(other.public_pem())->fingerprint;
    check_refused(vtpm::unseal(asked), Errc::refused, "another policy than the token says");
  }
  SECTION("for other PCRs") {
    const auto policy = vtpm::sign_pcr_policy(volume.owner.private_pem(), {11}, fresh_pcrs()).value();
    volume.signatures = vtpm::encode_signed_policies({policy});
    check_refused(volume.unseal(), Errc::refused, "signed no policy for PCRs 4, 7, 11, 12");
  }
}

TEST_CASE("no TPM, a cleared TPM and another TPM are told apart") {
  Volume volume;
  auto asked = request("swtpm:path=/nonexistent/socket", volume.enrolled.binding, volume.owner, volume.signatures);
  check_refused(vtpm::unseal(asked), Errc::unavailable, "cannot reach a TPM");
  REQUIRE(volume.swtpm.tool("tpm2_clear"));
  check_refused(volume.unseal(), Errc::mismatch, "is not there: the TPM was cleared");
  // Unsealing makes no new key; enrolling does.
  check_refused(volume.unseal(), Errc::mismatch, "is not there: the TPM was cleared");
  REQUIRE(vtpm::enrol(enrolment(volume.swtpm.tcti(), volume.owner)));
  check_refused(volume.unseal(), Errc::mismatch, "is not the enrolled one: the TPM was cleared");
}

TEST_CASE("a blob that is malformed, altered or another's is refused") {
  Volume volume;
  const Bytes good = volume.enrolled.binding.blob;
  Bytes& blob = volume.enrolled.binding.blob;
  SECTION("cut") {
    blob.pop_back();
    check_refused(volume.unseal(), Errc::malformed, "sealed blob is malformed");
  }
  SECTION("with more behind") {
    blob.push_back(std::byte{0});
    check_refused(volume.unseal(), Errc::malformed, "bytes follow");
  }
  SECTION("flipped in its private part") {
    for (const std::size_t at : {std::size_t{3}, std::size_t{40}, std::size_t{100}}) {
      blob = good;
      blob[at] ^= std::byte{1};
      check_refused(volume.unseal(), Errc::malformed, "another's, or was altered");
    }
  }
  SECTION("of attributes that let it come from elsewhere") {
    const std::size_t area = blob.size() - 78;  // TPMT_PUBLIC without a key's parameters
    blob[area + 7] ^= std::byte{0x02};          // fixedTPM
    check_refused(volume.unseal(), Errc::malformed, "fixed to its TPM");
  }
  SECTION("of another TPM") {
    const Swtpm other;
    blob = vtpm::enrol(enrolment(other.tcti(), volume.owner))->binding.blob;
    check_refused(volume.unseal(), Errc::malformed, "another's, or was altered");
  }
}

TEST_CASE("a PIN is wanted where one was set, and the TPM counts wrong ones") {
  const Swtpm swtpm;
  const Owner owner;
  const auto enrolled = vtpm::enrol(enrolment(swtpm.tcti(), owner, "1234")).value();
  const std::string signatures = owner.signatures({fresh_pcrs()});
  const auto with = [&](std::string_view pin) {
    return vtpm::unseal(request(swtpm.tcti(), enrolled.binding, owner, signatures, pin));
  };
  CHECK(enrolled.binding.pin);
  CHECK(with("1234"));
  check_refused(with(""), Errc::permission, "wants a PIN");
  check_refused(with("1235"), Errc::permission, "the PIN is wrong");
  CHECK(with("1234"));
  // A token that says there is none has another policy than its blob.
  luks::VtpmBinding bare = enrolled.binding;
  bare.pin = false;
  check_refused(vtpm::unseal(request(swtpm.tcti(), bare, owner, signatures)), Errc::refused, "another policy");
  REQUIRE(swtpm.tool("tpm2_dictionarylockout --setup-parameters --max-tries=2 --recovery-time=1000"));
  bool locked = false;
  for (int i = 0; i < 4 && !locked; ++i) locked = code_of(with("0000")) == Errc::throttled;
  REQUIRE(locked);
  check_refused(with("1234"), Errc::throttled, "after too many wrong ones");
}

TEST_CASE("what would refuse with the right PIN refuses before anybody is asked for one") {
  const Swtpm swtpm;
  const Owner owner;
  const auto enrolled = vtpm::enrol(enrolment(swtpm.tcti(), owner, "1234")).value();
  const std::string signatures = owner.signatures({fresh_pcrs()});
  CHECK(vtpm::require_openable(request(swtpm.tcti(), enrolled.binding, owner, signatures)));
  PcrBank boot = fresh_pcrs();
  extend(swtpm, 11, boot);
  check_refused(vtpm::require_openable(request(swtpm.tcti(), enrolled.binding, owner, signatures)), Errc::refused,
                "PCR 11 differs from what the owner signed (now 11=" + to_hex(boot[11]) + ")");
  const std::string now = owner.signatures({boot});
  CHECK(vtpm::require_openable(request(swtpm.tcti(), enrolled.binding, owner, now)));
  REQUIRE(vtpm::latch_tpm({swtpm.tcti(), {}, "root", swtpm.folder().file("log")}));
  check_refused(vtpm::require_openable(request(swtpm.tcti(), enrolled.binding, owner, now)), Errc::refused, "PCR 15");
}

TEST_CASE("volumes without a PIN open though others' wrong PINs lock the TPM") {
  Volume volume;
  const auto pinned = vtpm::enrol(enrolment(volume.swtpm.tcti(), volume.owner, "1234")).value();
  REQUIRE(volume.swtpm.tool("tpm2_dictionarylockout --setup-parameters --max-tries=1 --recovery-time=1000"));
  const auto wrong = [&] {
    return vtpm::unseal(request(volume.swtpm.tcti(), pinned.binding, volume.owner, volume.signatures, "0000"));
  };
  for (int i = 0; i < 3; ++i) CHECK_FALSE(wrong());
  CHECK(code_of(wrong()) == Errc::throttled);
  CHECK(volume.unseal());
  // noDA, TPM 2.0 part 2, 8.3: bit 10 of TPMA_OBJECT, which ends 71 bytes before the blob does.
  const auto counts_wrong_ones = [](const Bytes& blob) {
    return (blob.at(blob.size() - 72) & std::byte{0x04}) == std::byte{0};
  };
  CHECK(counts_wrong_ones(pinned.binding.blob));
  CHECK_FALSE(counts_wrong_ones(volume.enrolled.binding.blob));
}

TEST_CASE("a PIN whose digest ends with a zero opens too") {
  const Swtpm swtpm;
  const Owner owner;
  std::string pin;
  for (int i = 0; pin.empty(); ++i) {
    const std::string text = std::to_string(i);
    if (digest(HashAlgorithm::sha256, {as_bytes(text)}).back() == std::byte{0}) pin = text;
  }
  const auto enrolled = vtpm::enrol(enrolment(swtpm.tcti(), owner, pin)).value();
  const std::string signatures = owner.signatures({fresh_pcrs()});
  CHECK(vtpm::unseal(request(swtpm.tcti(), enrolled.binding, owner, signatures, pin)));
}

TEST_CASE("enrolment refuses PCRs that mean nothing") {
  const Owner owner;
  for (const std::vector<unsigned>& pcrs : std::vector<std::vector<unsigned>>{{}, {24}, {7, 4}, {4, 4}, {4, 15}}) {
    auto asked = enrolment("swtpm:path=/nonexistent/socket", owner);
    asked.pcrs = pcrs;
    CHECK(code_of(vtpm::enrol(asked)) == Errc::usage);
  }
}

TEST_CASE("after the latch nobody unseals until the next boot") {
  Volume volume;
  REQUIRE(volume.unseal());
  const std::string log = volume.swtpm.folder().file("run/measure");
  REQUIRE(vtpm::latch_tpm({volume.swtpm.tcti(), to_bytes(ByteView(volume.enrolled.binding.srk_name)), "uuid", log}));
  check_refused(volume.unseal(), Errc::refused, "unlocked before in this boot");
  volume.swtpm.stop();
  volume.swtpm.start();
  CHECK(volume.unseal());
}
