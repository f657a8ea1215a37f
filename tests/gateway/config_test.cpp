#include "gateway/config.h"

#include "tests/catch.h"

using namespace attestd;
using namespace attestd::gateway;

TEST_CASE("the gateway's configuration may name every key") {
  const auto config = parse_config(R"(
[gateway]
listen = ["127.0.0.1:1", "vsock::2"]
agent = "/a"
status-max-age = "5s"
[tls]
certificate = "/c"
key = "/k"
[limits]
connections = 1
connections-per-address = 2
requests = 3
requests-per-address = 4
waiting = 5
waiting-per-address = 6
handshake-timeout = "1s"
request-timeout = "2s"
answer-timeout = "3s"
idle-timeout = "4s"
agent-timeout = "6s"
[log]
level = "debug"
)",
                                   "g.toml");
  REQUIRE(config);
  CHECK(config->listen == std::vector<std::string>{"127.0.0.1:1", "vsock::2"});
  CHECK(config->agent == "/a");
  CHECK(config->status_max_age == std::chrono::seconds(5));
  CHECK(config->tls.key == "/k");
  CHECK(config->limits.connections_per_address == 2);
  CHECK(config->limits.waiting_per_address == 6);
  CHECK(config->limits.agent_timeout == std::chrono::seconds(6));
  CHECK(config->log_level == daemon::Priority::debug);
}

TEST_CASE("a wrong configuration of the gateway is refused with its line") {
  struct Case {
    std::string_view text;
    std::string_view error;
  };
  for (const Case& c : {Case{"[gateway]\nport = 1", "g.toml:2: unknown key gateway.port"},
                        Case{std::string_view("# a\n[\0a]", 8), "g.toml:2: a character that TOML does not have there"},
                        Case{"[= 1]", "g.toml: a table's header is no TOML"},
                        Case{"[\x12]", "g.toml:1: a character that TOML does not have there"},
                        Case{"[limits]\nconnections = 0", "g.toml:2: limits.connections must be 1 to 100000"},
                        Case{"[tls]\nkey = \"/k\"", "g.toml: tls.certificate and tls.key go together"},
                        Case{"[gateway]\nlisten = []", "g.toml: gateway.listen must not be empty"},
                        Case{"[gateway]\nlisten = [\"a\", \"a\"]", "g.toml:2: gateway.listen has an item twice"}}) {
    INFO(c.text);
    const auto config = parse_config(c.text, "g.toml");
    REQUIRE_FALSE(config);
    CHECK(config.error().message == c.error);
  }
}
