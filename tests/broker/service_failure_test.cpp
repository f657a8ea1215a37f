// The broker's own troubles are never told, nor recorded, as a decision about a guest.
#include "tests/broker/running_service.h"
#include "tests/catch.h"

namespace attestd::test {
namespace {

using broker::Reply;
using broker::Service;

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::vector<std::string>& records, std::string_view part) {
  return static_cast<std::size_t>(
      std::ranges::count_if(records, [&](const std::string& record) { return mentions(record, part); }));
}

}  // namespace

TEST_CASE("a trigger that raises is the broker's failure, and the audit log says so") {
  each_backend([](const Backend& backend) {
    RunningService broker(backend.url);
    const std::string token = broker.token();
    const auto raw = open_raw(backend.url);
    if (backend.dialect == broker::Dialect::sqlite) {
      REQUIRE(
          raw->execute("CREATE TRIGGER broken BEFORE UPDATE ON volume_states BEGIN SELECT RAISE(ABORT, 'no'); END"));
    } else {
      REQUIRE(raw->execute(
          "CREATE FUNCTION broken() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no''; END' LANGUAGE plpgsql"));
      REQUIRE(
          raw->execute("CREATE TRIGGER broken BEFORE UPDATE ON volume_states FOR EACH ROW EXECUTE FUNCTION broken()"));
    }
    const Reply reply = broker.resource(token);
    INFO(reply.body);
    CHECK(reply.status == 500);
    CHECK(type_of(reply) == "internal");
    CHECK(broker.service.counters().failures == 1);
    CHECK(broker.service.counters().withheld == 0);
    const auto audit = broker.audit();
    CHECK(count(audit, R"("decision":"failure")") == 1);
    CHECK(count(audit, R"("decision":"refused")") == 0);
  });
}

TEST_CASE("a table that cannot be written to is the broker's failure at every step") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  const std::string token = broker.token();
  const auto challenged = broker.challenge();
  const auto raw = open_raw(scratch.url);
  for (const char* table : {"challenges", "audit"}) {
    REQUIRE(raw->execute(std::string("CREATE TRIGGER no_") + table + " BEFORE INSERT ON " + table +
                         " BEGIN SELECT RAISE(FAIL, 'read-only'); END"));
  }
  for (const Reply& reply : {broker.attest(challenged, broker.guest.with_report(challenged.nonce, {})),
                             broker.resource(token), broker.resource(token, "vm/key/none"),
                             broker.post(&Service::enrolment, token, R"({"resource":"a/b/c","token":"none"})")}) {
    INFO(reply.body);
    CHECK(reply.status == 500);
    CHECK(type_of(reply) == "internal");
  }
}

TEST_CASE("a role of PostgreSQL's that may not write is the broker's failure") {
  PostgresqlServer* const server = postgresql();
  if (server == nullptr) return;
  std::string url = server->new_database();
  const auto owner = open_raw(url);
  REQUIRE(owner->execute("CREATE ROLE keeper LOGIN"));
  REQUIRE(owner->execute("DO 'BEGIN EXECUTE format(''ALTER SCHEMA %I OWNER TO keeper'', current_schema()); END'"));
  const std::size_t user = url.find("user=") + 5;
  url.replace(user, url.find('&', user) - user, "keeper");
  RunningService broker(url);
  const std::string token = broker.token();
  const auto challenged = broker.challenge();
  for (const char* table : {"challenges", "audit", "audit_head"}) {
    REQUIRE(owner->execute(std::string("REVOKE INSERT, UPDATE ON ") + table + " FROM keeper"));
  }
  const Reply attested = broker.attest(challenged, broker.guest.with_report(challenged.nonce, {}));
  INFO(attested.body);
  CHECK(attested.status == 500);
  const Reply released = broker.resource(token);
  INFO(released.body);
  CHECK(released.status == 500);
  CHECK(type_of(released) == "internal");
}

TEST_CASE("a blob that was changed is the broker's failure, not a refusal") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  const std::string token = broker.token();
  REQUIRE(open_raw(scratch.url)->execute("UPDATE resource_versions SET sealed = x'01'"));
  const Reply reply = broker.resource(token);
  CHECK(reply.status == 500);
  CHECK(count(broker.audit(), R"("decision":"failure")") == 1);
}

TEST_CASE("a broker whose master key was replaced does nothing more, and its health says why") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  CHECK(broker.service.health({}).status == 200);
  const std::string token = broker.token();
  const auto challenged = broker.challenge();
  REQUIRE(open_store(scratch.url)->reseal_all(sealer(2)));
  const Reply health = broker.service.health({});
  CHECK(health.status == 503);
  CHECK(type_of(health) == "not-ready");
  CHECK(mentions(health.body, "master key"));
  const Reply attested = broker.attest(challenged, broker.guest.with_report(challenged.nonce, {}));
  CHECK(attested.status == 500);
  CHECK(attested.headers.empty());
  CHECK(broker.resource(token).status == 500);
  CHECK(broker.service.counters().released == 0);
  // The challenge is still good for a broker that has the key.
  CHECK(open_store(scratch.url, {}, 2)->spend_challenge({challenged.nonce, test_time + 100}) == true);
}

TEST_CASE("refusals beyond an address's share are counted, not recorded one by one") {
  broker::Config config;
  config.limits.refusals_recorded_per_address = 2;
  config.limits.refusals_recorded = 3;
  const Scratch scratch;
  RunningService broker(scratch.url, config);
  const std::string token = broker.token();
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
    for (int i = 0; i < 5; ++i) CHECK(broker.resource(token, "vm/key/none", address).status == 404);
  }
  const auto challenged = broker.challenge();
  const auto other = [](SnpReport& report) { report.measurement[0] ^= std::byte{1}; };
  CHECK(broker.attest(challenged, broker.guest.with_report(challenged.nonce, {.report = other})).status == 401);
  // Who has a token and who has none have shares of their own.
  CHECK(count(broker.audit(), R"("decision":"refused")") == 4);
  REQUIRE(broker.service.record_silent_refusals());
  const auto audit = broker.audit();
  CHECK(count(audit, R"("event":"refusals")") == 2);
  CHECK(count(audit, R"("address":"192.0.2.1","not_recorded_singly":3)") == 1);
  CHECK(count(audit, R"("address":"192.0.2.2","not_recorded_singly":4)") == 1);
  CHECK(broker.service.counters().withheld == 10);
  // What is released is always recorded, and the refused challenge is spent all the same.
  CHECK(broker.opened(broker.resource(token)) == secret_text);
  CHECK(count(broker.audit(), R"("decision":"released")") == 1);
  CHECK(mentions(broker.attest(challenged, "{}").body, "was answered before"));
  REQUIRE(broker.service.record_silent_refusals());
  CHECK(broker.audit().size() == audit.size() + 2);
}

TEST_CASE("strangers cannot push an attested guest's refusal out of the audit log") {
  broker::Config config;
  config.limits.refusals_recorded_per_address = 2;
  config.limits.refusals_recorded = 3;
  const Scratch scratch;
  RunningService broker(scratch.url, config);
  const std::string token = broker.token();
  const auto before = broker.audit().size();
  for (int i = 0; i < 5; ++i) CHECK(broker.attest(broker.challenge(), "{}").status == 401);
  CHECK(broker.audit().size() == before + 2);
  CHECK(broker.resource(token, "vm/key/none").status == 404);
  CHECK(broker.audit().size() == before + 3);
}

}  // namespace attestd::test
