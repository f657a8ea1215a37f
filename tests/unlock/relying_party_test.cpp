#include "unlock/relying_party.h"

#include "base/encoding.h"
#include "tests/unlock/party.h"

namespace attestd::unlock {
namespace {

constexpr const char* resource = "default/luks/root";

RelyingParty believing(Party& party, Guest& guest) {
  PartyAddress address{.url = "https://broker", .ca_file = "/ca.pem", .policy = {}};
  RelyingParty out(std::move(address), guest.attester(), party.fetch());
  REQUIRE(out.attest(UnlockClaim::Volume{"u", Bytes(32), {}}));
  return out;
}

FetchResponse own_problem(long status, const std::string& name) {
  FetchResponse out;
  out.status = status;
  out.body = R"({"type":"tag:attestd,2026:problem:)" + name + R"(","title":"t","detail":"because","status":400})";
  return out;
}

}  // namespace

TEST_CASE("one token serves several requests of one conversation") {
  Party party;
  Guest guest;
  RelyingParty asked = believing(party, guest);
  CHECK(as_text(asked.release(resource)->view()) == secret);
  CHECK(as_text(asked.enrol(resource, "0a1b")->view()) == secret);
  CHECK(asked.announce_header(resource, FixedBytes<32>{}));
  REQUIRE(party.asked.size() == 5);
  for (std::size_t i = 2; i < party.asked.size(); ++i) {
    CHECK(party.asked[i].headers == std::vector<std::string>{"Cookie: kbs-session-id=second"});
  }
  CHECK(party.asked[3].url == "https://broker/v1/enrolment");
  CHECK(party.asked[3].body == R"({"resource":"default/luks/root","token":"0a1b"})");
  CHECK(party.asked[4].url == "https://broker/v1/volume-header");
  CHECK(party.asked[4].body ==
        R"({"resource":"default/luks/root","next_header_sha256":")" + to_base64url(FixedBytes<32>{}) + R"("})");
}

TEST_CASE("nothing is asked for before evidence was accepted") {
  Party party;
  Guest guest;
  RelyingParty early({.url = "https://broker", .ca_file = "/ca.pem", .policy = {}}, guest.attester(), party.fetch());
  CHECK(early.release(resource).error().code == Errc::usage);
  CHECK(early.enrol(resource, "00").error().code == Errc::usage);
  CHECK(early.announce_header(resource, {}).error().code == Errc::usage);
  CHECK(early.rotate(resource, "00", {}).error().code == Errc::usage);
  CHECK(party.asked.empty());
  party.instead["/kbs/v0/attest"] = problem(401, kbs::ErrorKind::policy_deny);
  CHECK(early.attest({}).error().code == Errc::refused);
  CHECK(early.release(resource).error().code == Errc::usage);
}

TEST_CASE("what the broker's own protocol refuses is final, and its troubles may pass") {
  struct {
    long status;
    const char* name;
    Errc enrolling;
    Errc announcing;
  } const cases[] = {
      {403, "refused", Errc::refused, Errc::refused},
      {404, "no-such-resource", Errc::refused, Errc::not_found},
      {400, "malformed-request", Errc::usage, Errc::usage},
      {401, "not-attested", Errc::unavailable, Errc::unavailable},
      {503, "overloaded", Errc::unavailable, Errc::unavailable},
  };
  for (const auto& one : cases) {
    INFO(one.name);
    Party party;
    Guest guest;
    RelyingParty asked = believing(party, guest);
    for (const char* path : {"/v1/enrolment", "/v1/volume-header"}) {
      party.instead[path] = own_problem(one.status, one.name);
    }
    const Error enrolling = asked.enrol(resource, "00").error();
    CHECK(enrolling.code == one.enrolling);
    CHECK(enrolling.message.find("because") != std::string::npos);
    CHECK(asked.announce_header(resource, {}).error().code == one.announcing);
  }
}

TEST_CASE("no sentence about an enrolment has its token") {
  Party party;
  Guest guest;
  RelyingParty asked = believing(party, guest);
  for (const FetchResponse& answer :
       {own_problem(403, "refused"), problem(401, kbs::ErrorKind::policy_deny), FetchResponse{.status = 200}}) {
    party.instead["/v1/enrolment"] = answer;
    CHECK(asked.enrol(resource, "5ec7e7").error().message.find("5ec7e7") == std::string::npos);
  }
}

TEST_CASE("another key is sent under the token that allows it, and no sentence has either") {
  Party party;
  Guest guest;
  RelyingParty asked = believing(party, guest);
  const SecretBytes key = SecretBytes::copy_of(as_bytes("0123456789abcdef0123456789abcdef")).value();
  FetchResponse done;
  done.status = 200;
  done.body = "{}";
  party.instead["/v1/rotation"] = done;
  REQUIRE(asked.rotate(resource, "5ec7e7", key));
  CHECK(party.asked.back().url == "https://broker/v1/rotation");
  CHECK(party.asked.back().body ==
        R"({"resource":"default/luks/root","token":"5ec7e7","key":")" + to_base64url(key.view()) + R"("})");
  for (const auto& [status, name, code] :
       {std::tuple{403L, "refused", Errc::refused}, std::tuple{503L, "overloaded", Errc::unavailable},
        std::tuple{404L, "no-such-resource", Errc::not_found}}) {
    party.instead["/v1/rotation"] = own_problem(status, name);
    const Error error = asked.rotate(resource, "5ec7e7", key).error();
    CHECK(error.code == code);
    CHECK(error.message.find("5ec7e7") == std::string::npos);
    CHECK(error.message.find(to_base64url(key.view())) == std::string::npos);
  }
}

TEST_CASE("an answer that is not the protocol enrols nothing") {
  for (const char* body : {"", "{}", "[]", "<html>", R"({"type":"other"})"}) {
    for (const long status : {200L, 403L, 500L}) {
      INFO(status << " " << body);
      Party party;
      Guest guest;
      RelyingParty asked = believing(party, guest);
      party.instead["/v1/enrolment"] = {.status = status, .body = body};
      const auto key = asked.enrol(resource, "00");
      REQUIRE_FALSE(key);
      CHECK(key.error().code != Errc::refused);
    }
  }
}

}  // namespace attestd::unlock
