// Our own resources: enrolment, headers of volumes, certificates for host keys, health.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "tests/broker/running_service.h"
#include "tests/catch.h"

namespace attestd::test {
namespace {

namespace json = boost::json;
using broker::Reply;
using broker::Service;

const UnlockClaim::Volume volume{"6a1e2d3c-0000-4000-8000-00000000000a", Bytes(32, std::byte{2}), {}};
constexpr const char* disk_path = "vm/disk/data";

broker::Sha256Digest digest_of(std::string_view text) {
  const Bytes hashed = digest(HashAlgorithm::sha256, {as_bytes(text)});
  broker::Sha256Digest out{};
  std::ranges::copy(hashed, out.begin());
  return out;
}

void allow_enrolment(RunningService& broker, std::int64_t expires_at = test_time + 100) {
  REQUIRE(write(*broker.store, [&](broker::StoreTransaction& transaction) {
    return transaction.put_enrolment_token({digest_of("token"), disk_path, "web", expires_at}, 1);
  }));
}

std::string enrolment(const std::string& path, const std::string& token) {
  return json::serialize(json::object{{"resource", path}, {"token", token}});
}

// A request for certificates, with evidence that root asked for inside.
std::string certificate_request(RunningService& broker, const json::array& principals,
                                const std::function<void(Statement&)>& change = {}) {
  const Reply challenged = broker.service.challenge({});
  REQUIRE(challenged.status == 200);
  const json::value challenge = json::parse(challenged.body);
  const Bytes nonce = from_base64url(challenge.at("nonce").as_string()).value();
  const auto claims = [&](Statement& statement) {
    statement.peer = StatementPeer{};
    if (change) change(statement);
  };
  const Bundle bundle = measured().bundle(nonce, {.statement = claims, .report = {}, .bundle = {}});
  return json::serialize(json::object{{"challenge", challenge.at("challenge")},
                                      {"evidence", json::parse(encode_bundle(bundle))},
                                      {"principals", principals}});
}

void allow_certificates(RunningService& broker) {
  REQUIRE(write(*broker.store, [](broker::StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(transaction.put_policy("vm", policy_toml(measured()), 1));
    return transaction.put_host_certificate_rule({"vm", {"a.example", "*.b.example"}, 3600});
  }));
}

}  // namespace

TEST_CASE("an enrolment token makes one secret, once") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  allow_enrolment(broker);
  const std::string token = broker.token_for(volume);
  const Reply made = broker.post(&Service::enrolment, token, enrolment(disk_path, "token"));
  CHECK(broker.opened(made).size() == 32);
  CHECK(broker.opened(broker.resource(broker.token_for(volume), disk_path)) == broker.opened(made));
  CHECK(broker.post(&Service::enrolment, token, enrolment(disk_path, "token")).status == 403);
  std::vector<std::string> decisions;
  for (const std::string& body : broker.audit()) {
    const json::value record = json::parse(body);
    if (record.at("event") == "enrolment") decisions.emplace_back(record.at("decision").as_string());
  }
  CHECK(decisions == std::vector<std::string>{"enrolled", "refused"});
}

TEST_CASE("an enrolment is refused for what is wrong with it, and makes nothing") {
  struct Case {
    const char* what;
    unsigned status;
    std::string body;
    std::int64_t expires_at = test_time + 100;
  };
  for (const Case& each :
       {Case{"another token", 404, enrolment(disk_path, "tokem")},
        Case{"another resource", 403, enrolment("vm/disk/root", "token")},
        Case{"a token whose time is over", 403, enrolment(disk_path, "token"), test_time},
        Case{"a member that there is not", 400, R"({"resource":"vm/disk/data","token":"token","policy":"web"})"},
        Case{"no path", 400, enrolment("vm", "token")}, Case{"no JSON", 400, "["},
        Case{"a token beyond all measure", 400, enrolment(disk_path, std::string(257, 'a'))}}) {
    INFO(each.what);
    const Scratch scratch;
    RunningService broker(scratch.url);
    allow_enrolment(broker, each.expires_at);
    const Reply reply = broker.post(&Service::enrolment, broker.token(), each.body);
    CHECK(reply.status == each.status);
    CHECK(broker.service.counters().released == 0);
    CHECK(broker.resource(broker.token(), disk_path).status == 404);
  }
}

TEST_CASE("a volume's next header is taken from who shows the present one") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  REQUIRE(write(*broker.store, [](broker::StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(transaction.put_resource(
        {.path = disk_path, .policy = "web", .volume = volume.uuid, .conditions = {}}, as_bytes("key"), 1));
    return {};
  }));
  UnlockClaim::Volume next = volume;
  next.header_sha256 = Bytes(32, std::byte{3});
  const std::string announced =
      json::serialize(json::object{{"resource", disk_path}, {"next_header_sha256", to_base64url(next.header_sha256)}});
  // Nobody has seen one yet.
  CHECK(broker.post(&Service::volume_header, broker.token_for(volume), announced).status == 403);
  CHECK(broker.opened(broker.resource(broker.token_for(volume), disk_path)) == "key");
  CHECK(broker.resource(broker.token_for(next), disk_path).status == 401);
  CHECK(broker.post(&Service::volume_header, broker.token_for(next), announced).status == 403);
  CHECK(broker.post(&Service::volume_header, broker.token(), announced).status == 403);
  CHECK(broker.post(&Service::volume_header, broker.token_for(volume), "{}").status == 400);
  CHECK(broker.post(&Service::volume_header, broker.token_for(volume), R"({"force":true,)" + announced.substr(1))
            .status == 400);
  CHECK(broker.post(&Service::volume_header, broker.token_for(volume), announced).status == 200);
  CHECK(broker.opened(broker.resource(broker.token_for(next), disk_path)) == "key");
  CHECK(broker.resource(broker.token_for(volume), disk_path).status == 401);
}

TEST_CASE("host keys that evidence proves get certificates") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  allow_certificates(broker);
  const Reply reply = broker.service.ssh_host_certificates({.body = certificate_request(broker, {"x.b.example"})});
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  const json::value answer = json::parse(reply.body);
  REQUIRE(answer.at("certificates").as_array().size() == 1);
  const auto certificate =
      parse_ssh_host_certificate(parse_ssh_public_key(answer.at("certificates").at(0).as_string()).value());
  REQUIRE(certificate);
  CHECK(certificate->principals == std::vector<std::string>{"x.b.example"});
  CHECK(certificate->valid_before == test_time + 3600);
  CHECK(certificate->key == parse_ssh_public_key(test_host_key).value());
}

TEST_CASE("certificates are refused for what is wrong with the request") {
  struct Case {
    const char* what;
    unsigned status;
    json::array principals;
    std::function<void(Statement&)> change;
  };
  const Scratch scratch;
  RunningService broker(scratch.url);
  CHECK(broker.service.ssh_host_certificates({.body = certificate_request(broker, {})}).status == 403);  // no rule
  allow_certificates(broker);
  for (const Case& each :
       {Case{"another's name", 403, {"c.example"}, {}}, Case{"no name", 400, {"a b"}, {}},
        Case{"not asked for by root", 403, {}, [](Statement& statement) { statement.peer->uid = 1000; }},
        Case{"asked for from outside",
             403,
             {},
             [](Statement& statement) { statement.channel = StatementChannel{Bytes(32, std::byte{1})}; }},
        Case{"nobody known to have asked", 403, {}, [](Statement& statement) { statement.peer.reset(); }},
        Case{"evidence for other ends", 403, {}, [](Statement& statement) { statement.purpose = Purpose::monitor; }},
        Case{
            "evidence for another nonce", 403, {}, [](Statement& statement) { statement.nonce[0] ^= std::byte{1}; }}}) {
    INFO(each.what);
    const std::string body = certificate_request(broker, each.principals, each.change);
    const Reply reply = broker.service.ssh_host_certificates({.body = body});
    INFO(reply.body);
    CHECK(reply.status == each.status);
  }
  // A challenge is for one request, also when that was refused.
  const std::string body = certificate_request(broker, {"c.example"});
  CHECK(broker.service.ssh_host_certificates({.body = body}).status == 403);
  const Reply again = broker.service.ssh_host_certificates({.body = body});
  CHECK(again.body.find("was answered before") != std::string::npos);
  CHECK(broker.service.counters().certificates == 0);
  // One of the KBS protocol is none of this.
  const std::string cookie = broker.challenge().cookie;
  json::value other = json::parse(body);
  other.as_object()["challenge"] = cookie.substr(cookie.find('=') + 1);
  CHECK(broker.service.ssh_host_certificates({.body = json::serialize(other)}).status == 403);
}

TEST_CASE("the public keys are those that tokens and certificates are checked by") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  const json::value keys = json::parse(broker.service.token_keys().body);
  const auto key = parse_jwk(json::serialize(keys.at("keys").at(0)));
  REQUIRE(key);
  CHECK(verify_jwt(broker.token(), *key));
  CHECK(broker.service.ssh_authority().body.starts_with("ssh-ed25519 "));
}

}  // namespace attestd::test
