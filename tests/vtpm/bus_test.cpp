// Who is on the TPM's bus learns nothing and cannot answer in its place.
#include <tss2/tss2_esys.h>

#include <algorithm>

#include "evidence/tpm_attest.h"
#include "tests/catch.h"
#include "tests/vtpm/owner.h"
#include "tests/vtpm/relay.h"
#include "vtpm/latch.h"

using namespace attestd;
using namespace attestd::test;

namespace {

constexpr std::uint32_t counter_index = 0x01800100;

bool has(const Bytes& bytes, ByteView wanted) { return !std::ranges::search(bytes, wanted).empty(); }

// tpm2-tss gives up on a connection with a false answer, and nobody cleans up as a resource manager would.
void clean_up(const Swtpm& swtpm) { REQUIRE(swtpm.tool("sh -c 'tpm2_flushcontext -t; tpm2_flushcontext -l'")); }

// TPM2B_PUBLIC of a P-256 key is behind the header of an answer to TPM2_ReadPublic; its point ends it.
constexpr std::size_t header_size = 10;

// Replaces the storage root key in the answer by another TPM's, and leaves the name.
struct Impostor {
  Bytes answer;  // of the other TPM, to TPM2_ReadPublic
  bool with_name = false;

  void operator()(const Bytes& command, Bytes& out) const {
    if (command_code(command) != cc_read_public || out.size() != answer.size()) return;
    Reader reader(ByteView(out).subspan(header_size));
    const std::size_t area = 2 + std::size_t{reader.be16("public area").value()};
    const std::size_t replaced = with_name ? answer.size() : header_size + area;
    std::copy_n(answer.begin(), replaced, out.begin());
  }
};

}  // namespace

TEST_CASE("the secret and the PIN are not in what goes by on the bus") {
  const Swtpm swtpm;
  const Relay relay(swtpm);
  const Owner owner;
  auto asked = enrolment(relay.tcti(), owner, "1234");
  asked.counter = counter_index;
  asked.signatures = owner.signatures({fresh_pcrs()});
  const auto enrolled = vtpm::enrol(asked);
  REQUIRE(enrolled);
  const auto unsealing = request(relay.tcti(), enrolled->binding, owner, asked.signatures, "1234");
  const auto secret = vtpm::unseal(unsealing);
  REQUIRE(secret);
  REQUIRE(vtpm::advance_counter(unsealing, *secret, [](const auto&) { return Result<void>(); }));
  const Bytes heard = relay.heard();
  CHECK(heard.size() > 2000);
  CHECK(has(heard, enrolled->binding.blob));  // so the search finds what is there
  for (std::size_t at = 0; at + 8 <= secret->size(); ++at) CHECK_FALSE(has(heard, secret->view().subspan(at, 8)));
  const Bytes pin = digest(HashAlgorithm::sha256, {as_bytes("1234")});
  CHECK_FALSE(has(heard, ByteView(pin).first(8)));
  CHECK_FALSE(has(heard, as_bytes("1234")));
}

// Without a salt the session's key is known to all, and HMACs and encryption by it are worth nothing.
TEST_CASE("every session is salted to the storage root key") {
  const Swtpm swtpm;
  const Relay relay(swtpm);
  const Owner owner;
  auto asked = enrolment(relay.tcti(), owner);
  asked.counter = counter_index;
  asked.signatures = owner.signatures({fresh_pcrs()});
  const auto enrolled = vtpm::enrol(asked).value();
  const auto unsealing = request(relay.tcti(), enrolled.binding, owner, asked.signatures);
  const auto secret = vtpm::unseal(unsealing);
  REQUIRE(secret);
  REQUIRE(vtpm::advance_counter(unsealing, *secret, [](const auto&) { return Result<void>(); }));
  REQUIRE(vtpm::latch_tpm(
      {relay.tcti(), to_bytes(ByteView(enrolled.binding.srk_name)), "uuid", swtpm.folder().file("measure.log")}));
  const auto sessions = relay.commands(cc_start_auth_session);
  CHECK(sessions.size() >= 7);
  for (const Bytes& command : sessions) {
    // TPM 2.0 part 3, 11.1: tpmKey, bind, nonceCaller, encryptedSalt.
    Reader reader(ByteView(command).subspan(header_size));
    CHECK(reader.be32("tpmKey") == 0x81000001);
    REQUIRE(reader.skip(4, "bind"));
    REQUIRE(reader.skip(reader.be16("nonceCaller").value(), "nonceCaller"));
    CHECK(reader.be16("encryptedSalt").value() > 64);
  }
}

TEST_CASE("no changed byte of the TPM's answer passes for the secret") {
  const Swtpm swtpm;
  Relay relay(swtpm);
  const Owner owner;
  const auto enrolled = vtpm::enrol(enrolment(relay.tcti(), owner)).value();
  const auto asked = request(relay.tcti(), enrolled.binding, owner, owner.signatures({fresh_pcrs()}));
  REQUIRE(vtpm::unseal(asked));
  const std::size_t size = relay.answer_to(cc_unseal).size();
  REQUIRE(size > 80);
  std::size_t changed = 0;
  for (std::size_t at = header_size; at < size; ++at) {
    relay.change([&](const Bytes& command, Bytes& answer) {
      if (command_code(command) != cc_unseal) return;
      answer.at(at) ^= std::byte{0x01};
      ++changed;
    });
    INFO("byte " << at);
    const auto refused = vtpm::unseal(asked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::tpm);
    clean_up(swtpm);
  }
  CHECK(changed == size - header_size);
  relay.change({});
  CHECK(vtpm::unseal(asked));
}

TEST_CASE("an answer of an earlier session is refused") {
  const Swtpm swtpm;
  Relay relay(swtpm);
  const Owner owner;
  const auto enrolled = vtpm::enrol(enrolment(relay.tcti(), owner)).value();
  const auto asked = request(relay.tcti(), enrolled.binding, owner, owner.signatures({fresh_pcrs()}));
  REQUIRE(vtpm::unseal(asked));
  const Bytes earlier = relay.answer_to(cc_unseal);
  relay.intercept([&](const Bytes& command) { return command_code(command) == cc_unseal ? earlier : Bytes(); });
  const auto replayed = vtpm::unseal(asked);
  REQUIRE_FALSE(replayed);
  INFO(replayed.error().text());
  CHECK(replayed.error().code == Errc::tpm);
}

TEST_CASE("somebody else's storage root key is not taken for the TPM's") {
  const Swtpm swtpm;
  Relay relay(swtpm);
  const Owner owner;
  const Swtpm other;
  Relay at_other(other);
  REQUIRE(vtpm::enrol(enrolment(at_other.tcti(), owner)));
  Impostor impostor{at_other.answer_to(cc_read_public)};
  REQUIRE(!impostor.answer.empty());

  const auto enrolled = vtpm::enrol(enrolment(relay.tcti(), owner)).value();
  const auto asked = request(relay.tcti(), enrolled.binding, owner, owner.signatures({fresh_pcrs()}));
  // Under its own name.
  impostor.with_name = true;
  relay.change(impostor);
  auto refused = vtpm::unseal(asked);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("is not the enrolled one") != std::string::npos);
  // Under the true key's.
  impostor.with_name = false;
  relay.change(impostor);
  refused = vtpm::unseal(asked);
  REQUIRE_FALSE(refused);
  INFO(refused.error().text());
  CHECK(refused.error().code == Errc::mismatch);
  CHECK(refused.error().message.find("somebody alters it") != std::string::npos);
}

TEST_CASE("a counter that somebody on the bus sets back is noticed") {
  const Swtpm swtpm;
  Relay relay(swtpm);
  const Owner owner;
  auto asked = enrolment(relay.tcti(), owner);
  asked.counter = counter_index;
  asked.signatures = owner.signatures({fresh_pcrs()});
  const auto enrolled = vtpm::enrol(asked).value();
  const auto unsealing = request(relay.tcti(), enrolled.binding, owner, asked.signatures);
  const auto secret = vtpm::unseal(unsealing);
  REQUIRE(secret);
  const Bytes earlier = relay.answer_to(cc_nv_read);
  luks::VtpmBinding newest;
  const auto keep = [&](const luks::VtpmBinding& binding) {
    newest = binding;
    return Result<void>();
  };
  REQUIRE(vtpm::advance_counter(unsealing, *secret, keep));
  // The old disk, with the old answer, and with a changed one.
  relay.intercept([&](const Bytes& command) { return command_code(command) == cc_nv_read ? earlier : Bytes(); });
  CHECK(code_of(vtpm::unseal(unsealing)) == Errc::tpm);
  clean_up(swtpm);
  relay.intercept({});
  relay.change([](const Bytes& command, Bytes& answer) {
    if (command_code(command) == cc_nv_read) answer.at(header_size + 13) ^= std::byte{0x03};
  });
  CHECK(code_of(vtpm::unseal(unsealing)) == Errc::tpm);
  clean_up(swtpm);
  relay.change({});
  CHECK(vtpm::unseal(request(relay.tcti(), newest, owner, asked.signatures)));
}

TEST_CASE("a latch that never reached the TPM is noticed") {
  const Swtpm swtpm;
  Relay relay(swtpm);
  const Owner owner;
  const auto enrolled = vtpm::enrol(enrolment(relay.tcti(), owner)).value();
  const vtpm::LatchRequest latch = {relay.tcti(), to_bytes(ByteView(enrolled.binding.srk_name)), "uuid",
                                    swtpm.folder().file("measure.log")};
  // The TPM's own answer to the first is given to the second, which is kept from it.
  REQUIRE(vtpm::latch_tpm(latch));
  const Bytes earlier = relay.answer_to(cc_pcr_extend);
  REQUIRE(!earlier.empty());
  relay.intercept([&](const Bytes& command) { return command_code(command) == cc_pcr_extend ? earlier : Bytes(); });
  CHECK(code_of(vtpm::latch_tpm(latch)) == Errc::tpm);
  clean_up(swtpm);
  relay.intercept({});
  CHECK(vtpm::latch_tpm(latch));
}
