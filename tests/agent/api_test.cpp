// The agent as a client meets it: over its socket, with devices that we decide.
#include <unistd.h>

#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "base/encoding.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "tests/agent/machine.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::agent;
using namespace attestd::test;

namespace {

std::string nonce_of(unsigned i) {
  Bytes bytes(16, std::byte{0});
  bytes[0] = static_cast<std::byte>(i & 0xffU);
  bytes[1] = static_cast<std::byte>(i >> 8U);
  return to_base64url(bytes);
}

double seconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("one asker gets a statement of its own that the report binds") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices());
  const Bundle bundle = bundle_of(agent.evidence(good_request));
  CHECK(report_binds(bundle));
  CHECK(bundle.inclusion.tree_size == 1);
  const auto statement = parse_statement(bundle.statement);
  REQUIRE(statement);
  CHECK(statement->nonce == Bytes(16));
  CHECK(statement->purpose == Purpose::host);
  REQUIRE(statement->peer);
  CHECK(statement->peer->uid == ::getuid());
  CHECK(statement->peer->pid == ::getpid());
  CHECK(statement->boot_id.size() == 36);
  CHECK(statement->uptime_ms > 0);
  CHECK(statement->provisioning);
  CHECK(statement->ak_name.empty());
  CHECK_FALSE(bundle.tpm);
}

TEST_CASE("with a TPM the quote carries the root and the statement names its key") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices(true));
  const Bundle bundle = bundle_of(agent.evidence(good_request));
  CHECK(report_binds(bundle));
  REQUIRE(bundle.tpm);
  CHECK(bundle.tpm->quote == quote_qualifying_data(*bundle_root(bundle)));
  CHECK(parse_statement(bundle.statement)->ak_name == Bytes(34, std::byte{0x0b}));
}

TEST_CASE("a TPM that is replaced between statement and quote is named by the statement served") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices(true));
  machine.tpm->replace_at_next_quote = true;
  const Bundle bundle = bundle_of(agent.evidence(good_request));
  CHECK(parse_statement(bundle.statement)->ak_name.back() == std::byte{0xff});
  CHECK(report_binds(bundle));
}

TEST_CASE("a TPM that vanishes stops evidence, and it comes back by itself") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices(true));
  CHECK(agent.evidence(good_request).status == 200);
  machine.tpm->set_there(false);
  const Answer gone = agent.evidence(good_request);
  CHECK(gone.status == 503);
  CHECK(gone.problem() == "tpm-unavailable");
  CHECK(agent.connect().get("/v1/health").status == 503);
  CHECK_THAT(agent.connect().get("/metrics").body, Catch::Contains("\nattestd_tpm_up 0\n") &&
                                                       Catch::Contains("\nattestd_tpm_state{state=\"failed\"} 1\n") &&
                                                       Catch::Contains("\nattestd_tpm_state{state=\"ok\"} 0\n"));
  machine.tpm->set_there(true);
  CHECK(agent.evidence(good_request).status == 200);
  CHECK(agent.connect().get("/v1/health").status == 200);
}

TEST_CASE("many who ask while a report is in flight share the next one") {
  const Machine machine;
  machine.hardware->set_stuck(true);
  const RunningAgent agent(machine.config, machine.devices());
  std::vector<Client> clients;
  constexpr unsigned count = 1000;
  const auto ask = [&](unsigned i) {
    clients.push_back(agent.connect());
    const std::string body = R"({"nonce":")" + nonce_of(i) + "\"}";
    clients.back().send("POST /v1/evidence HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body);
  };
  ask(0);
  {
    std::unique_lock lock(machine.hardware->mutex);
    REQUIRE(machine.hardware->changed.wait_for(lock, std::chrono::seconds(10),
                                               [&] { return machine.hardware->calls == 1; }));
  }
  for (unsigned i = 1; i < count; ++i) ask(i);
  const std::string wanted = "\nattestd_askers_waiting " + std::to_string(count - 1) + "\n";
  for (int i = 0; i < 200 && agent.connect().get("/metrics").body.find(wanted) == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  machine.hardware->set_stuck(false);
  unsigned right = 0;
  for (unsigned i = 0; i < count; ++i) {
    const Bundle bundle = bundle_of(clients[i].receive());
    const auto statement = parse_statement(bundle.statement);
    const bool sizes = bundle.inclusion.tree_size == (i == 0 ? 1 : count - 1);
    right += statement && to_base64url(statement->nonce) == nonce_of(i) && report_binds(bundle) && sizes ? 1U : 0U;
  }
  CHECK(right == count);
  CHECK(machine.hardware->call_count() == 2);
}

TEST_CASE("without batching each asker has a report of its own") {
  Machine machine;
  machine.config.batching.enabled = false;
  const RunningAgent agent(machine.config, machine.devices());
  std::vector<std::thread> threads;
  std::atomic<unsigned> alone = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto bundle = parse_bundle(agent.evidence(good_request).body);
      if (bundle && bundle->inclusion.tree_size == 1 && report_binds(*bundle)) ++alone;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(alone == 8);
  CHECK(machine.hardware->call_count() == 8);
}

TEST_CASE("a lone asker waits for the report and for nothing else") {
  const Machine machine;
  machine.hardware->delay = std::chrono::milliseconds(1500);
  const RunningAgent agent(machine.config, machine.devices());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(agent.evidence(good_request).status == 200);
  CHECK(seconds(begin) < 2.9);  // a second report would make it 3
  CHECK(machine.hardware->call_count() == 1);
}

TEST_CASE("an error of the device reaches all who share the report") {
  struct Case {
    Errc code;
    const char* problem;
    bool retry;
  };
  for (const Case& c : std::vector<Case>{{Errc::busy, "hardware-busy", true},
                                         {Errc::throttled, "hardware-busy", true},
                                         {Errc::changed, "hardware-busy", true},
                                         {Errc::key_wiped, "hardware-key-wiped", false},
                                         {Errc::not_found, "no-hardware", false},
                                         {Errc::io, "hardware-failed", true}}) {
    const Machine machine;
    machine.hardware->delay = std::chrono::milliseconds(30);
    machine.hardware->failure = Error{c.code, "for a reason", std::nullopt, 0};
    const RunningAgent agent(machine.config, machine.devices());
    std::vector<std::thread> threads;
    std::atomic<unsigned> told = 0;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const Answer answer = agent.evidence(good_request);
        const bool reason = answer.body.find("for a reason") != std::string::npos;
        const bool retry = !answer.header("retry-after").empty();
        if (answer.status == 503 && answer.problem() == c.problem && reason && retry == c.retry) ++told;
      });
    }
    for (std::thread& thread : threads) thread.join();
    INFO(c.problem);
    CHECK(told == 4);
    machine.hardware->set_failure(std::nullopt);
    CHECK(agent.evidence(good_request).status == 200);
  }
}

TEST_CASE("a device that hangs costs its askers the timeout, later ones nothing, and may recover") {
  Machine machine;
  machine.config.collection.timeout = std::chrono::milliseconds(1500);
  machine.hardware->set_stuck(true);
  const RunningAgent agent(machine.config, machine.devices());
  const Answer first = agent.evidence(good_request);
  CHECK(first.status == 503);
  CHECK(first.problem() == "hardware-timed-out");
  const auto begin = std::chrono::steady_clock::now();
  const Answer second = agent.evidence(good_request);
  CHECK(second.problem() == "hardware-timed-out");
  CHECK(seconds(begin) < 1.4);
  CHECK(machine.hardware->call_count() == 1);
  machine.hardware->set_stuck(false);
  Answer last;
  for (int i = 0; i < 100 && last.status != 200; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    last = agent.evidence(good_request);
  }
  CHECK(last.status == 200);
}

TEST_CASE("an agent without devices starts, says so, and answers 503 with the reason") {
  Devices devices;
  devices.open_report = []() -> Result<std::unique_ptr<hwio::ReportDevice>> {
    return fail(Errc::not_found, "there is none here");
  };
  const RunningAgent agent(quiet_config(), std::move(devices));
  const Answer refused = agent.evidence(good_request);
  CHECK(refused.status == 503);
  CHECK(refused.problem() == "no-hardware");
  CHECK_THAT(refused.body, Catch::Contains("there is none here"));
  const Answer status = agent.connect().get("/v1/status");
  CHECK(status.status == 200);
  CHECK_THAT(status.body, Catch::Contains(R"("healthy":false)") && Catch::Contains("there is none here"));
  CHECK(agent.connect().get("/v1/health").status == 503);
}

TEST_CASE("devices may have further parts, and a part that fails fails the evidence") {
  const Machine machine;
  Devices devices = machine.devices(true);
  const auto broken = std::make_shared<std::atomic<bool>>(false);
  devices.report_parts.push_back([](const MerkleHash& root, Bundle& into) -> Result<void> {
    into.cc_event_log = to_bytes(root);
    return {};
  });
  devices.tpm_parts.push_back([broken](hwio::Tpm& tpm, const MerkleHash& /*root*/, Bundle& into) -> Result<void> {
    if (*broken) return fail(Errc::timed_out, "the metadata service does not answer");
    into.nitro_document = to_bytes(tpm.where());
    return {};
  });
  const RunningAgent agent(machine.config, std::move(devices));
  const Bundle bundle = bundle_of(agent.evidence(good_request));
  CHECK(report_binds(bundle));
  CHECK(bundle.cc_event_log == to_bytes(*bundle_root(bundle)));
  CHECK(as_text(bundle.nitro_document) == "fake-tpm");
  CHECK(bundle.tpm.has_value());
  *broken = true;
  const Answer refused = agent.evidence(good_request);
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Catch::Contains("the metadata service does not answer"));
}

TEST_CASE("where the hardware report comes out of the TPM, no report device is asked") {
  const Machine machine;
  Devices devices = machine.devices(true);
  devices.tpm_reports = "azure-hcl";
  devices.tpm_parts.push_back([](hwio::Tpm& /*tpm*/, const MerkleHash& /*root*/, Bundle& into) -> Result<void> {
    into.hcl_report = to_bytes("HCLA");
    return {};
  });
  const RunningAgent agent(machine.config, std::move(devices));
  const Bundle bundle = bundle_of(agent.evidence(good_request));
  CHECK(bundle.snp_report.empty());
  CHECK(as_text(bundle.hcl_report) == "HCLA");
  CHECK(machine.hardware->call_count() == 0);
  CHECK_THAT(agent.connect().get("/v1/status").body,
             Catch::Contains(R"("provider":"azure-hcl")") && Catch::Contains(R"("healthy":true)"));
  machine.tpm->set_there(false);
  CHECK(agent.evidence(good_request).problem() == "tpm-unavailable");
  CHECK(agent.connect().get("/v1/health").status == 503);
}

TEST_CASE("a platform whose reports come out of the TPM has none without a TPM") {
  Devices devices;
  devices.tpm_reports = "azure-hcl";
  devices.tpm_absent = "there is no TPM here";
  const RunningAgent agent(quiet_config(), std::move(devices));
  const Answer refused = agent.evidence(good_request);
  CHECK(refused.problem() == "no-hardware");
  CHECK_THAT(refused.body, Catch::Contains("there is no TPM here"));
}

TEST_CASE("bad input gets its own problem, and the next request is answered") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices());
  struct Case {
    std::string request;
    unsigned status;
    const char* problem;
  };
  const auto post = [](std::string body) {
    return "POST /v1/evidence HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  };
  for (const Case& c : std::vector<Case>{
           {post(R"({"nonce":"AAAA"})"), 400, "nonce-too-short"},
           {post(R"({"nonce":")" + std::string(200, 'A') + "\"}"), 400, "nonce-too-long"},
           {post(R"({"nonce":"AAAAAAAAAAA","purpose":"x"})"), 400, "unknown-purpose"},
           {post(R"({"nonce":"AAAAAAAAAAA")"), 400, "malformed-json"},
           {post(std::string(std::size_t{1} << 20U, ' ')), 413, "body-too-large"},
           {"PUT /v1/evidence HTTP/1.1\r\n\r\n", 405, "method-not-allowed"},
           {"DELETE /v1/status HTTP/1.1\r\n\r\n", 405, "method-not-allowed"},
           {"GET /v2 HTTP/1.1\r\n\r\n", 404, "not-found"},
           {"GET /v1/status HTTP/1.1\r\nX: " + std::string(10000, 'x') + "\r\n\r\n", 431, "header-too-large"},
           {"\x16\x03\x01 not http\r\n\r\n", 400, "malformed-http"},
       }) {
    INFO(c.request.substr(0, 80));
    Client client = agent.connect();
    client.send(c.request);
    const Answer answer = client.receive();
    CHECK(answer.status == c.status);
    CHECK(answer.problem() == c.problem);
    CHECK((c.status != 405 || !answer.header("allow").empty()));
    CHECK(agent.evidence(good_request).status == 200);
  }
}

TEST_CASE("a client that hangs up in the middle harms nobody") {
  const Machine machine;
  machine.hardware->delay = std::chrono::milliseconds(30);
  const RunningAgent agent(machine.config, machine.devices());
  for (const std::string& sent : {std::string(""), std::string("POST /v1/ev"),
                                  std::string("POST /v1/evidence HTTP/1.1\r\nContent-Length: 48\r\n\r\n{"),
                                  "POST /v1/evidence HTTP/1.1\r\nContent-Length: " +
                                      std::to_string(good_request.size()) + "\r\n\r\n" + std::string(good_request)}) {
    Client client = agent.connect();
    client.send(sent);
    client.hang_up();
    CHECK(agent.evidence(good_request).status == 200);
  }
}

TEST_CASE("a request that does not arrive in time is told so") {
  Machine machine;
  machine.config.api.request_timeout = std::chrono::milliseconds(100);
  const RunningAgent agent(machine.config, machine.devices());
  Client client = agent.connect();
  client.send("POST /v1/evidence HTTP/1.1\r\nContent-Length: 48\r\n\r\n{");
  const Answer answer = client.receive();
  CHECK(answer.status == 408);
  CHECK(answer.problem() == "request-timed-out");
}

TEST_CASE("connections beyond the limit are turned away with a reason") {
  Machine machine;
  machine.config.api.max_connections = 2;
  const RunningAgent agent(machine.config, machine.devices());
  Client one = agent.connect();
  Client two = agent.connect();
  CHECK(one.get("/v1/status").status == 200);
  CHECK(two.get("/v1/status").status == 200);
  const Answer third = agent.connect().get("/v1/status");
  CHECK(third.status == 503);
  CHECK(third.problem() == "overloaded");
  CHECK(one.get("/v1/status").status == 200);
}

TEST_CASE("metrics are OpenMetrics: families once, samples under their family, an end") {
  const Machine machine;
  const RunningAgent agent(machine.config, machine.devices());
  agent.evidence(good_request);
  agent.evidence("{}");
  const Answer answer = agent.connect().get("/metrics");
  CHECK(answer.header("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK_THAT(answer.body, Catch::EndsWith("\n# EOF\n"));
  CHECK_THAT(answer.body, Catch::Contains("attestd_evidence_requests_total{result=\"ok\",cause=\"none\"} 1\n"));
  CHECK_THAT(answer.body, Catch::Contains("{result=\"error\",cause=\"nonce-missing\"} 1\n"));
  CHECK_THAT(answer.body, Catch::Contains("attestd_batch_askers_bucket{le=\"1.0\"} 1\n"));
  CHECK_THAT(answer.body, Catch::Contains("attestd_report_duration_seconds_count 1\n"));
  std::istringstream lines(answer.body);
  std::string line;
  std::string family;
  std::set<std::string> seen;
  while (std::getline(lines, line) && line != "# EOF") {
    INFO(line);
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(seen.insert(family).second);
    } else if (line.starts_with("#")) {
      CHECK(line.find(" " + family + " ") != std::string::npos);
    } else {
      CHECK(line.starts_with(family));
    }
  }
  CHECK(seen.size() > 10);
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("requests under way are finished when the agent stops") {
  const Machine machine;
  machine.hardware->delay = std::chrono::milliseconds(200);
  RunningAgent agent(machine.config, machine.devices());
  Client idle = agent.connect();
  CHECK(idle.get("/v1/status").status == 200);
  Client busy = agent.connect();
  busy.send("POST /v1/evidence HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(good_request.size()) +
            "\r\n\r\n" + std::string(good_request));
  {
    std::unique_lock lock(machine.hardware->mutex);
    machine.hardware->changed.wait_for(lock, std::chrono::seconds(5), [&] { return machine.hardware->calls == 1; });
  }
  agent.stop();
  const Answer answer = busy.receive();
  CHECK(report_binds(bundle_of(answer)));
  CHECK(answer.header("connection") == "close");
}
