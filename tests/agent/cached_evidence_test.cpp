// GET /v1/evidence: evidence that monitors share.
#include <thread>

#include "agent/cached_evidence_internal.h"
#include "evidence/statement.h"
#include "tests/agent/machine.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::agent;
using namespace attestd::test;

namespace {

Answer get(const RunningAgent& agent, const std::string& headers = {}) {
  Client client = agent.connect();
  client.send("GET /v1/evidence HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
  return client.receive();
}

std::string metrics_of(const RunningAgent& agent) { return agent.connect().get("/metrics").body; }

}  // namespace

TEST_CASE("evidence that is cached has a nonce of the agent's own, names no peer, and is for monitors") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices(true));
  const Answer first = get(agent);
  const Bundle bundle = bundle_of(first);
  CHECK(report_binds(bundle));
  const auto statement = parse_statement(bundle.statement);
  REQUIRE(statement);
  CHECK(statement->purpose == Purpose::monitor);
  CHECK(statement->nonce.size() == 32);
  CHECK_FALSE(statement->peer);
  CHECK(first.header("cache-control") == "max-age=60");
  CHECK(first.header("age") == "0");
  CHECK(first.header("etag").size() == 45);

  const Answer second = get(agent);
  CHECK(second.body == first.body);
  CHECK(second.header("etag") == first.header("etag"));
  CHECK(machine.hardware->call_count() == 1);
  CHECK_THAT(metrics_of(agent), Catch::Contains("\nattestd_cached_evidence_total 1\n") &&
                                    Catch::Contains("{result=\"ok\",cause=\"none\"} 2\n"));
}

TEST_CASE("who has the bundle already is told so, without it") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices());
  const std::string etag = get(agent).header("etag");
  Client client = agent.connect();
  client.send("GET /v1/evidence HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + etag + "\r\n\r\n");
  const Answer same = client.receive();
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("etag") == etag);
  CHECK(same.header("cache-control") == "max-age=60");
  CHECK(same.header("content-type").empty());
  CHECK(same.header("content-length").empty());
  // Nothing follows the 304 that the next answer would be mistaken for.
  CHECK(client.get("/v1/health").status == 200);
  CHECK(get(agent, "If-None-Match: \"another\"\r\n").status == 200);
  CHECK(machine.hardware->call_count() == 1);
}

TEST_CASE("evidence older than the maximal age is made anew, and the old tag no longer matches") {
  Machine machine;
  machine.config.api.cached_evidence_max_age = std::chrono::milliseconds(300);
  const RunningAgent agent(machine.config, machine.devices());
  const Answer old = get(agent);
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  const Answer fresh = get(agent, "If-None-Match: " + old.header("etag") + "\r\n");
  CHECK(fresh.status == 200);
  CHECK(fresh.header("etag") != old.header("etag"));
  CHECK(parse_statement(bundle_of(fresh).statement)->nonce != parse_statement(bundle_of(old).statement)->nonce);
  CHECK(machine.hardware->call_count() == 2);
}

TEST_CASE("all who ask while the evidence is being made share it") {
  const Machine machine;
  machine.hardware->set_stuck(true);
  const RunningAgent agent(machine.config, machine.devices());
  std::vector<Client> clients;
  constexpr unsigned count = 50;
  for (unsigned i = 0; i < count; ++i) {
    clients.push_back(agent.connect());
    clients.back().send("GET /v1/evidence HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  // A later request is read after the earlier ones of other connections.
  CHECK(agent.connect().get("/metrics").status == 200);
  machine.hardware->set_stuck(false);
  const Answer first = clients.front().receive();
  CHECK(first.status == 200);
  unsigned same = 0;
  for (unsigned i = 1; i < count; ++i) same += clients[i].receive().body == first.body ? 1U : 0U;
  CHECK(same == count - 1);
  CHECK(machine.hardware->call_count() == 1);
}

TEST_CASE("a failure is told to all who wait, no older evidence stands in, and the next asker tries again") {
  Machine machine;
  machine.config.api.cached_evidence_max_age = std::chrono::milliseconds(200);
  const RunningAgent agent(machine.config, machine.devices());
  CHECK(get(agent).status == 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  machine.hardware->set_failure(Error{Errc::throttled, "for a reason", std::nullopt, 0});
  const Answer refused = get(agent);
  CHECK(refused.status == 503);
  CHECK(refused.problem() == "hardware-busy");
  CHECK(refused.header("cache-control") == "no-store");
  CHECK(refused.header("etag").empty());
  CHECK_FALSE(refused.header("retry-after").empty());
  CHECK_THAT(metrics_of(agent), Catch::Contains("{result=\"error\",cause=\"hardware-busy\"} 1\n"));
  machine.hardware->set_failure(std::nullopt);
  CHECK(get(agent).status == 200);
}

TEST_CASE("an If-None-Match names a tag as RFC 9110 compares them") {
  struct Case {
    const char* header;
    bool named;
  };
  for (const Case& c : std::vector<Case>{
           {"\"a\"", true},
           {"W/\"a\"", true},
           {"\"b\", \"a\"", true},
           {"\"b\",W/\"a\" ", true},
           {"*", true},
           {"", false},
           {"a", false},
           {"\"A\"", false},
           {"\"b\"", false},
           {"\"a", false},
           {"\"b, \"a\"", false},
           {"\"b\" a \"a\"", false},
       }) {
    INFO(c.header);
    CHECK(names_etag(c.header, "\"a\"") == c.named);
  }
}
