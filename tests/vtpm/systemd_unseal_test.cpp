// Volumes that the real systemd-cryptenroll makes, through libtss2-tcti-swtpm.
#include <cstdlib>

#include "base/file.h"

#include "tests/catch.h"
#include "tests/vtpm/owner.h"
#include "vtpm/systemd_token.h"

using namespace attestd;
using namespace attestd::test;

namespace {

// A volume of cryptsetup's whose passphrase is "first".
class Volume {
 public:
  Volume() {
    swtpm.folder().write("first", "first");
    REQUIRE(
        run("truncate -s 20M volume && cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 "
            "--pbkdf-force-iterations 1000 --key-file first volume"));
  }
  [[nodiscard]] bool run(const std::string& command) const {
    const std::string line =
        "cd '" + swtpm.folder().path() + "' && PATH=$PATH:/usr/sbin:/sbin && ( " + command + " ) >>run.log 2>&1";
    return std::system(line.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
  }
  [[nodiscard]] bool enrol(const std::string& options) const {
    return run("PASSWORD=first NEWPIN=2468 systemd-cryptenroll --tpm2-device=" + swtpm.tcti() + " " + options +
               " volume");
  }
  [[nodiscard]] vtpm::SystemdRequest request(std::string_view pin = {}) const {
    REQUIRE(run("cryptsetup token export --token-id 0 volume > token.json"));
    vtpm::SystemdRequest out;
    out.tcti = swtpm.tcti();
    const auto json = read_file(swtpm.folder().file("token.json"), 65536).value();
    const auto token = vtpm::parse_systemd_token(as_text(json));
    INFO(as_text(json) << (token ? "" : token.error().text()));
    REQUIRE(token);
    out.token = *token;
    out.pin = secret_of(pin);
    return out;
  }
  // Whether cryptsetup takes it.
  [[nodiscard]] bool takes(const SecretBytes& passphrase) const {
    swtpm.folder().write("passphrase", as_text(passphrase.view()));
    return run("cryptsetup open --test-passphrase --token-type none --key-file passphrase volume") ||
           run("cryptsetup open --test-passphrase --key-file passphrase volume");
  }

  Swtpm swtpm;
};

void check_refused(const Result<SecretBytes>& result, Errc code, const std::string& reason) {
  REQUIRE_FALSE(result);
  INFO(result.error().text());
  CHECK(result.error().code == code);
  CHECK(result.error().message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("what systemd-cryptenroll sealed to PCRs is had, until a PCR changes") {
  const Volume volume;
  REQUIRE(volume.enrol("--tpm2-pcrs=7+12 --tpm2-public-key="));
  const auto asked = volume.request();
  CHECK(asked.token.pcrs == std::vector<unsigned>{7, 12});
  const auto passphrase = vtpm::unseal_systemd(asked);
  REQUIRE(passphrase);
  CHECK(volume.takes(*passphrase));
  CHECK_FALSE(volume.takes(secret_of("another")));
  PcrBank bank = fresh_pcrs();
  extend(volume.swtpm, 7, bank);
  check_refused(vtpm::unseal_systemd(asked), Errc::refused, "its PCRs differ");
}

TEST_CASE("what systemd-cryptenroll sealed with a PIN is had by that PIN") {
  const Volume volume;
  REQUIRE(volume.enrol("--tpm2-pcrs= --tpm2-with-pin=yes --tpm2-public-key="));
  const auto passphrase = vtpm::unseal_systemd(volume.request("2468"));
  REQUIRE(passphrase);
  CHECK(volume.takes(*passphrase));
  check_refused(vtpm::unseal_systemd(volume.request("2469")), Errc::permission, "the PIN is wrong");
  check_refused(vtpm::unseal_systemd(volume.request()), Errc::permission, "wants a PIN");
  // Whose PIN is right is not told that it is wrong.
  REQUIRE(volume.swtpm.tool("tpm2_changeauth -c owner secret"));
  check_refused(vtpm::unseal_systemd(volume.request("2468")), Errc::unavailable, "create systemd's primary key");
  REQUIRE(volume.swtpm.tool("tpm2_clear"));
  check_refused(vtpm::unseal_systemd(volume.request("2468")), Errc::malformed, "another's");
}

TEST_CASE("what systemd-cryptenroll sealed to a signed policy is had by the signature") {
  const Volume volume;
  const Owner owner(KeyKind::rsa2048);
  volume.swtpm.folder().write("owner.pem", owner.public_pem());
  // Without a signature for now, it does not check that one covers this boot.
  REQUIRE(volume.enrol("--tpm2-pcrs=7 --tpm2-with-pin=yes --tpm2-public-key=owner.pem --tpm2-public-key-pcrs=11"));
  auto asked = volume.request("2468");
  CHECK(asked.token.signed_pcrs == std::vector<unsigned>{11});
  const auto signatures = [&](const PcrBank& boot) {
    auto policy = vtpm::sign_pcr_policy(owner.private_pem(), {11}, boot).value();
    policy.values.clear();  // as systemd-measure leaves it
    return vtpm::encode_signed_policies({policy});
  };
  PcrBank boot = fresh_pcrs();
  asked.signatures = signatures(boot);
  const auto passphrase = vtpm::unseal_systemd(asked);
  REQUIRE(passphrase);
  CHECK(volume.takes(*passphrase));
  extend(volume.swtpm, 11, boot);
  check_refused(vtpm::unseal_systemd(asked), Errc::refused, "no signature covers this boot's PCRs 11");
  asked.signatures = signatures(boot);
  CHECK(vtpm::unseal_systemd(asked));
}

TEST_CASE("systemd's primary key is pinned where its name is known") {
  const Volume volume;
  REQUIRE(volume.enrol("--tpm2-pcrs=7 --tpm2-public-key="));
  auto asked = volume.request();
  asked.primary_name = Bytes(34);
  check_refused(vtpm::unseal_systemd(asked), Errc::mismatch, "is not the expected one");
}
