// What the broker decides, without its store.
#include "base/encoding.h"
#include "broker/attestation_result.h"
#include "broker/config.h"
#include "broker/decision.h"
#include "broker/http_headers.h"
#include "broker/principals.h"
#include "broker/volume.h"
#include "evidence/json_strict.h"
#include "tests/catch.h"

namespace attestd::broker {
namespace {

constexpr const char* uuid = "6a1e2d3c-0000-4000-8000-00000000000a";

AttestationResult result() {
  AttestationResult out;
  out.challenge = Bytes(32, std::byte{1});
  out.protocol = "kbs 0.4.0";
  out.tee = "snp";
  out.key = R"({"kty":"EC"})";
  out.policies = {{"web", 3, {Answer::yes, Answer::yes, Answer::yes, Answer::unknown, Answer::no}}};
  out.volume = UnlockClaim::Volume{uuid, Bytes(32, std::byte{2}), 7};
  out.evidence_sha256 = Bytes(32, std::byte{3});
  out.issued_at = 100;
  out.expires_at = 400;
  return out;
}

Sha256Digest digest_of(unsigned char byte) {
  Sha256Digest out{};
  out.fill(std::byte{byte});
  return out;
}

UnlockClaim::Volume claim(unsigned char header, std::optional<std::uint64_t> counter = std::nullopt) {
  return {uuid, Bytes(32, std::byte{header}), counter};
}

ResourceSettings settings() { return {.path = "a/b/c", .policy = "web", .volume = uuid, .conditions = {}}; }

}  // namespace

TEST_CASE("what an attestation showed survives its token's claims") {
  const auto after = parse_claims(encode_claims(result(), "https://broker.example"));
  REQUIRE(after);
  CHECK(after->challenge == result().challenge);
  CHECK(after->tee == "snp");
  CHECK(after->key == R"({"kty":"EC"})");
  REQUIRE(after->policies.size() == 1);
  CHECK(after->policies[0].policy == "web");
  CHECK(after->policies[0].version == 3);
  CHECK(after->policies[0].answers == result().policies[0].answers);
  CHECK(after->volume->uuid == uuid);
  CHECK(after->volume->counter == 7);
  CHECK(after->evidence_sha256 == result().evidence_sha256);
  CHECK(after->expires_at == 400);
}

TEST_CASE("claims with an answer that is none, or without their members, are refused") {
  std::string text = encode_claims(result(), "x");
  CHECK_FALSE(parse_claims("{}"));
  CHECK_FALSE(parse_claims("[]"));
  text.replace(text.find("\"yes\""), 5, "\"Yes\"");
  CHECK_FALSE(parse_claims(text));
}

TEST_CASE("a volume's key is for that volume") {
  VolumeState state;
  ResourceSettings other = settings();
  other.volume.reset();
  CHECK(check_volume(other, state, std::nullopt));
  CHECK(check_volume(settings(), state, std::nullopt).error().code == Errc::refused);
  auto foreign = claim(1);
  foreign.uuid.back() = 'b';
  CHECK(check_volume(settings(), state, foreign).error().code == Errc::refused);
  auto upper = claim(1);
  upper.uuid = "6A1E2D3C-0000-4000-8000-00000000000A";
  CHECK(check_volume(settings(), state, upper));
}

TEST_CASE("a volume's first header is kept, and no other is taken unless it was announced") {
  VolumeState state;
  const auto first = check_volume(settings(), state, claim(1));
  REQUIRE(first);
  REQUIRE(first->headers);
  CHECK(first->headers->header == digest_of(1));
  state.headers = *first->headers;
  CHECK_FALSE(check_volume(settings(), state, claim(1))->headers);
  CHECK(check_volume(settings(), state, claim(2)).error().code == Errc::refused);
  state.headers.next_header = digest_of(2);
  CHECK_FALSE(check_volume(settings(), state, claim(1))->headers);
  const auto second = check_volume(settings(), state, claim(2));
  REQUIRE(second);
  CHECK(second->headers == HeaderDigests{digest_of(2), std::nullopt});
  auto none = claim(1);
  none.header_sha256.clear();
  CHECK(check_volume(settings(), state, none).error().code == Errc::refused);
}

TEST_CASE("a counter that was seen once must be there and grow") {
  VolumeState state;
  CHECK_FALSE(check_volume(settings(), state, claim(1))->counter);
  CHECK(check_volume(settings(), state, claim(1, 5))->counter == 5);
  state.counter = 5;
  CHECK(check_volume(settings(), state, claim(1, 6))->counter == 6);
  CHECK(check_volume(settings(), state, claim(1, 5)).error().code == Errc::refused);
  CHECK(check_volume(settings(), state, claim(1, 4)).error().code == Errc::refused);
  CHECK(check_volume(settings(), state, claim(1)).error().code == Errc::refused);
}

TEST_CASE("names in a host certificate are those that the rule allows") {
  const std::vector<std::string> allowed{"vm.example", "*.web.example", "192.0.2.1"};
  using Names = std::vector<std::string>;
  CHECK(choose_principals(allowed, {}) == Names{"vm.example", "192.0.2.1"});
  CHECK(choose_principals(allowed, {"a.web.example", "VM.example"}) == Names{"a.web.example", "VM.example"});
  for (const char* bad : {"web.example", "evilweb.example", "vm.example.evil", "*.web.example", "", "a b", "a,b",
                          ".web.example!", "..web.example", "a..web.example", ".a.web.example", "evil:.web.example"}) {
    INFO(bad);
    CHECK(choose_principals(allowed, {bad}).error().code == Errc::refused);
  }
  CHECK(choose_principals({"*.example"}, {}).error().code == Errc::refused);
  for (const char* good : {"vm", "*.example", "2001:db8::1"}) CHECK(is_principal_pattern(good));
  for (const char* bad : {"*", "*.", "a*b", "*.*.example", "a/b", ""}) CHECK_FALSE(is_principal_pattern(bad));
}

TEST_CASE("a cookie and a bearer token are found in their headers") {
  CHECK(cookie_value("kbs-session-id=abc", "kbs-session-id") == "abc");
  CHECK(cookie_value("a=b; kbs-session-id=\"abc\"; c=d", "kbs-session-id") == "abc");
  CHECK(cookie_value("xkbs-session-id=abc; kbs-session-id", "kbs-session-id").empty());
  CHECK(cookie_value("", "kbs-session-id").empty());
  CHECK(bearer_token("Bearer x.y.z") == "x.y.z");
  CHECK(bearer_token("bEARER  x") == "x");
  CHECK(bearer_token("Bearer ").empty());
  CHECK(bearer_token("Basic x").empty());
}

TEST_CASE("records of decisions are JSON, whatever is in them, and not longer than the log takes") {
  const Asker asker{"192.0.2.1\xff", "kbs 0.4.0", "snp", Bytes(32), Bytes(32)};
  std::vector<PolicyDecision> many(1000);
  for (auto& one : many) one = {"policy", 1, Outcome::refused, {}, std::string(5000, '"')};
  many.back().outcome = Outcome::trusted;
  for (const std::string& record :
       {attest_record(0, asker, many),
        release_record(0, asker,
                       {.resource = "a/b/c", .version = 0, .policy = {}, .reason = std::string(9000, '\x01')}),
        release_record(0, asker, {.resource = std::string(100000, 'x'), .version = 0, .policy = {}, .reason = "no"}),
        header_record(0, asker, {.resource = std::string(100000, 'x'), .version = 0, .policy = {}, .reason = "no"},
                      "00"),
        certificate_record(0, asker,
                           {.principals = std::vector<std::string>(64, std::string(2000, '\x01')), .reason = "why"}),
        admin_record(0, "root", "put", "a\nb")}) {
    CHECK(check_json(record));
    CHECK(record.size() <= audit_body_limit);
  }
  // Who was trusted is never left out.
  CHECK(attest_record(0, asker, many).find(R"("verdict":"trusted")") != std::string::npos);
}

TEST_CASE("the broker's configuration is read strictly") {
  CHECK(parse_config("", "x"));
  const auto some = parse_config(
      "[broker]\nlisten = [\":1\"]\n[tls]\ncertificate = \"/a\"\nkey = \"/b\"\n[limits]\nbody = 65536\n", "x");
  REQUIRE(some);
  CHECK(some->limits.body == 65536);
  for (const char* bad : {"[broker]\nmaster = \"x\"", "[tls]\nkey = \"/b\"", "[broker]\nlisten = []",
                          "[limits]\nbody = 1", "[broker]\nkey-cache = \"relative\"", "[protocol]\ntoken-lifetime = 5",
                          "[protocol]\nchallenge-lifetime = \"500ms\""}) {
    INFO(bad);
    CHECK_FALSE(parse_config(bad, "x"));
  }
}

}  // namespace attestd::broker
