// The KBS protocol as a guest sees it: what is released, what is refused and how.
#include <boost/json/parse.hpp>

#include "tests/broker/running_service.h"
#include "tests/catch.h"

namespace attestd::test {
namespace {

using broker::Reply;

const UnlockClaim::Volume volume{"6a1e2d3c-0000-4000-8000-00000000000a", Bytes(32, std::byte{2}), {}};

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a guest that is trusted gets its secret, by either form of evidence") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  CHECK(broker.opened(broker.resource(broker.token())) == secret_text);
  const std::string token = broker.token_for(volume);
  CHECK(broker.opened(broker.resource(token)) == secret_text);
  CHECK(broker.opened(broker.resource(token)) == secret_text);  // as often as it likes
  CHECK(broker.service.counters().trusted == 2);
  CHECK(broker.service.counters().released == 3);
  CHECK(broker.service.counters().failures == 0);
  const auto audit = broker.audit();
  CHECK(audit.size() == 5);
  CHECK(mentions(audit.back(), R"("decision":"released")"));
}

TEST_CASE("an attestation is refused for what is wrong with it") {
  struct Case {
    const char* what;
    const char* type;
    const char* says;
    std::function<Reply(RunningService&, RunningService::Challenged)> ask;
  };
  const auto with_report = [](SimulatedGuest::Hooks hooks) {
    return [hooks = std::move(hooks)](RunningService& broker, const RunningService::Challenged& challenged) {
      return broker.attest(challenged, broker.guest.with_report(challenged.nonce, hooks));
    };
  };
  const auto with_bundle = [](SimulatedGuest::Hooks hooks) {
    return [hooks = std::move(hooks)](RunningService& broker, const RunningService::Challenged& challenged) {
      return broker.attest(challenged, broker.guest.with_bundle(challenged.nonce, volume, hooks));
    };
  };
  const auto other_key = [](kbs::Attestation& sent) {
    const DecryptionKey key = DecryptionKey::make().value();
    sent.key.x = key.public_jwk().x;
    sent.key.y = key.public_jwk().y;
  };
  const auto other_nonce = [](kbs::Attestation& sent) { sent.nonce->front() ^= std::byte{1}; };
  const Case cases[] = {
      {"no cookie", "AttestationError", "cookie not found",
       [](RunningService& broker, RunningService::Challenged challenged) {
         challenged.cookie.clear();
         return broker.attest(challenged, "{}");
       }},
      {"a cookie of somebody else's", "AttestationError", "none of ours",
       [](RunningService& broker, RunningService::Challenged challenged) {
         challenged.cookie.back() = challenged.cookie.back() == 'A' ? 'B' : 'A';
         return broker.attest(challenged, broker.guest.with_report(challenged.nonce, {}));
       }},
      {"too late", "AttestationError", "expired",
       [](RunningService& broker, const RunningService::Challenged& challenged) {
         broker.time += 301;
         return broker.attest(challenged, broker.guest.with_report(challenged.nonce, {}));
       }},
      {"no JSON", "AttestationError", "",
       [](RunningService& broker, const RunningService::Challenged& challenged) {
         return broker.attest(challenged, "{");
       }},
      {"another nonce, said", "PolicyDeny", "another nonce", with_report({.message = other_nonce})},
      {"another nonce, hidden", "PolicyDeny", "binding.report-data",
       with_report({.message = other_nonce, .sent = other_nonce})},
      {"another key than the report's", "PolicyDeny", "binding.report-data", with_report({.sent = other_key})},
      {"another measurement", "PolicyDeny", "snp.measurement",
       with_report({.report = [](SnpReport& report) { report.measurement[0] ^= std::byte{1}; }})},
      {"a debug VM", "PolicyDeny", "snp.policy",
       with_report({.report = [](SnpReport& report) { report.policy.raw |= 1U << 19U; }})},
      {"another key than the statement's", "PolicyDeny", "binding.recipient-key", with_bundle({.sent = other_key})},
      {"a statement for other ends", "PolicyDeny", "binding.purpose",
       with_bundle({.statement =
                        [](Statement& statement) {
                          statement.purpose = Purpose::host;
                          statement.unlock.reset();
                        }})},
  };
  const Scratch scratch;
  RunningService broker(scratch.url);
  for (const Case& each : cases) {
    INFO(each.what);
    const Reply reply = each.ask(broker, broker.challenge());
    INFO(reply.body);
    CHECK(reply.status == 401);
    CHECK(type_of(reply) == each.type);
    CHECK(mentions(reply.body, each.says));
    CHECK(reply.headers.empty());
  }
  CHECK(broker.service.counters().trusted == 0);
  CHECK(broker.service.counters().failures == 0);
}

TEST_CASE("a policy that is named judges alone, and one that is not there nobody") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  REQUIRE(write(*broker.store, [](broker::StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(transaction.put_policy("strict", policy_toml(measured(), measured_vm), 1));
    return {};
  }));
  const auto ask = [&](const std::string& selector) {
    const auto challenged = broker.challenge(selector);
    return broker.attest(challenged, broker.guest.with_report(challenged.nonce, {}));
  };
  CHECK(ask("web").status == 200);
  // Trustee's evidence tells nothing of the boot chain.
  CHECK(type_of(ask("strict")) == "PolicyDeny");
  CHECK(type_of(ask("none")) == "AttestationError");
}

TEST_CASE("a challenge is answered once, and a replay costs no look at its evidence") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  const auto challenged = broker.challenge();
  // Whoever sends rubbish for it does not use it up.
  CHECK(broker.attest(challenged, "{}").status == 401);
  const std::string body = broker.guest.with_report(challenged.nonce, {});
  CHECK(broker.attest(challenged, body).status == 200);
  for (const std::string& again : {body, std::string("{}")}) {
    const Reply reply = broker.attest(challenged, again);
    CHECK(type_of(reply) == "AttestationError");
    CHECK(mentions(reply.body, "was answered before"));
  }
  CHECK(broker.service.counters().trusted == 1);
}

TEST_CASE("a secret is withheld from who may not have it") {
  struct Case {
    const char* what;
    unsigned status;
    const char* type;
    std::function<Reply(RunningService&)> ask;
  };
  const auto changed = [](const broker::StoreQueue::Job& job) {
    return [job](RunningService& broker) {
      const std::string token = broker.token();
      REQUIRE(write(*broker.store, job));
      return broker.resource(token);
    };
  };
  const Case cases[] = {
      {"no token", 401, "TokenNotFound", [](RunningService& broker) { return broker.resource(""); }},
      {"no token of ours", 401, "TokenNotFound",
       [](RunningService& broker) { return broker.resource(broker.token() + "A"); }},
      {"a challenge in its place", 401, "TokenNotFound",
       [](RunningService& broker) {
         const std::string cookie = broker.challenge().cookie;
         return broker.resource(cookie.substr(cookie.find('=') + 1));
       }},
      {"a token whose time is over", 401, "TokenVerifierError",
       [](RunningService& broker) {
         const std::string token = broker.token();
         broker.time += 301;
         return broker.resource(token);
       }},
      {"no such resource", 404, "InvalidRequestPath",
       [](RunningService& broker) { return broker.resource(broker.token(), "vm/key/none"); }},
      {"no path at all", 404, "InvalidRequestPath",
       [](RunningService& broker) { return broker.resource(broker.token(), "vm"); }},
      {"a policy that is new since", 401, "PolicyDeny",
       changed([](broker::StoreTransaction& transaction) -> Result<void> {
         ATTESTD_CHECK(transaction.put_policy("web", policy_toml(measured()), 2));
         return {};
       })},
      {"a secret that was revoked", 401, "PolicyDeny",
       changed([](broker::StoreTransaction& transaction) { return transaction.revoke_resource(secret_path, {}, 2); })},
      {"another policy's", 401, "PolicyDeny", changed([](broker::StoreTransaction& transaction) -> Result<void> {
         ATTESTD_CHECK(transaction.put_policy("other", policy_toml(measured(), measured_vm), 2));
         ATTESTD_CHECK(transaction.put_resource(
             {.path = secret_path, .policy = "other", .volume = {}, .conditions = {}}, as_bytes("x"), 2));
         return {};
       })},
      {"a volume's key, for evidence of none", 401, "PolicyDeny",
       changed([](broker::StoreTransaction& transaction) -> Result<void> {
         ATTESTD_CHECK(transaction.put_resource(
             {.path = secret_path, .policy = "web", .volume = volume.uuid, .conditions = {}}, as_bytes("x"), 2));
         return {};
       })},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    const Scratch scratch;
    RunningService broker(scratch.url);
    const Reply reply = each.ask(broker);
    INFO(reply.body);
    CHECK(reply.status == each.status);
    CHECK(type_of(reply) == each.type);
    CHECK(broker.service.counters().released == 0);
    CHECK(broker.service.counters().failures == 0);
  }
}

TEST_CASE("a protocol that is too old gets no challenge") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  for (const char* version : {"0.1.0", "0.1.1", "9.9.9", ""}) {
    INFO(version);
    const Reply reply = broker.service.kbs_auth(
        {.body = R"({"version":")" + std::string(version) + R"(","tee":"snp","extra-params":""})"});
    CHECK(reply.status == 401);
    CHECK(type_of(reply) == "AttestationError");
  }
  CHECK(broker.service.counters().challenges == 0);
}

}  // namespace attestd::test
