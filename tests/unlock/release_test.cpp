// The guest's side of the KBS protocol, against a relying party of the test's own.
#include "unlock/release.h"

#include "tests/unlock/party.h"
#include "unlock/volume.h"

namespace attestd::unlock {
namespace {

ReleaseRequest request() {
  return {.party = {.url = "https://broker", .ca_file = "/ca.pem", .policy = {}},
          .resource = "default/luks/root",
          .volume = UnlockClaim::Volume{"u", Bytes(32), {}}};
}

Error error_of(Party party) {
  Guest guest;
  auto out = fetch_secret(request(), guest.attester(), party.fetch());
  REQUIRE_FALSE(out);
  return out.error();
}

}  // namespace

TEST_CASE("a secret is fetched by evidence that is bound to the challenge and to a key of this exchange") {
  Party party;
  Guest guest;
  const auto fetched = fetch_secret(request(), guest.attester(), party.fetch());
  REQUIRE(fetched);
  CHECK(as_text(fetched->view()) == secret);
  CHECK(guest.nonce == Bytes(32, std::byte{9}));
  CHECK(guest.claim.volume->uuid == "u");
  CHECK(guest.claim.key_thumbprint == to_bytes(ByteView(parse_jwk(party.key)->thumbprint())));
  REQUIRE(party.asked.size() == 3);
  CHECK(party.asked[0].headers.empty());
  CHECK(party.asked[1].headers == std::vector<std::string>{"Cookie: kbs-session-id=first"});
  CHECK(party.asked[2].headers == std::vector<std::string>{"Cookie: kbs-session-id=second"});
  CHECK(party.asked[2].url == "https://broker/kbs/v0/resource/default/luks/root");
  for (const FetchRequest& one : party.asked) CHECK(one.ca_file == "/ca.pem");
}

TEST_CASE("each exchange has a key of its own") {
  Party party;
  Guest guest;
  REQUIRE(fetch_secret(request(), guest.attester(), party.fetch()));
  const Bytes first = guest.claim.key_thumbprint;
  REQUIRE(fetch_secret(request(), guest.attester(), party.fetch()));
  CHECK(guest.claim.key_thumbprint != first);
}

TEST_CASE("what a policy denies is final, and all else may pass") {
  Party denied;
  denied.instead["/kbs/v0/attest"] = problem(401, kbs::ErrorKind::policy_deny);
  const Error final = error_of(denied);
  CHECK(final.code == Errc::refused);
  CHECK_FALSE(may_pass(final));
  CHECK(final.message.find("because") != std::string::npos);
  Party expired;
  expired.instead["/kbs/v0/attest"] = problem(401, kbs::ErrorKind::attestation);
  CHECK(may_pass(error_of(expired)));
  Party busy;
  busy.instead["/kbs/v0/auth"] = {.status = 503};
  CHECK(may_pass(error_of(busy)));
}

TEST_CASE("what is not the protocol is no secret") {
  for (const char* path : {"/kbs/v0/auth", "/kbs/v0/attest", "/kbs/v0/resource/default/luks/root"}) {
    for (const char* body : {"", "{}", "[]", "<html>", R"({"nonce":"AA=="})"}) {
      INFO(path << " " << body);
      Party party;
      party.instead[path] = {.status = 200, .body = body};
      CHECK(error_of(party).message.find("https://broker") != std::string::npos);
    }
  }
}

TEST_CASE("a secret that is encrypted to another key is none") {
  Party party;
  party.instead["/kbs/v0/resource/default/luks/root"] = {
      .status = 200, .body = encrypt_jwe(as_bytes(secret), DecryptionKey::make()->public_jwk()).value()};
  CHECK(error_of(party).code == Errc::mismatch);
}

TEST_CASE("tries go on with longer waits until the time is over, and end at once where none would help") {
  Party party;
  party.instead["/kbs/v0/auth"] = {.status = 503};
  Guest guest;
  Settings settings;
  settings.budget = std::chrono::seconds(60);
  std::chrono::steady_clock::time_point now;
  std::vector<std::int64_t> waits;
  std::vector<std::string> told;
  const Patience patience{.tell = [&](const std::string& sentence) { told.push_back(sentence); },
                          .sleep =
                              [&](std::chrono::milliseconds wait) {
                                waits.push_back(wait.count());
                                now += wait;
                              },
                          .now = [&] { return now; }};
  const auto late = fetch_with_patience(settings, request(), guest.attester(), patience, party.fetch());
  REQUIRE_FALSE(late);
  CHECK(late.error().message.find("60 s that it may take are over") != std::string::npos);
  CHECK(waits == std::vector<std::int64_t>{500, 1000, 2000, 4000, 8000, 15000, 15000});
  CHECK(told.size() == waits.size());
  waits.clear();
  party.instead["/kbs/v0/auth"] = problem(401, kbs::ErrorKind::policy_deny);
  CHECK(fetch_with_patience(settings, request(), guest.attester(), patience, party.fetch()).error().code ==
        Errc::refused);
  CHECK(waits.empty());
  party.instead.clear();
  CHECK(fetch_with_patience(settings, request(), guest.attester(), patience, party.fetch()));
}

}  // namespace attestd::unlock
