#include "client/known_hosts.h"

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("names and addresses may stand in known_hosts") {
  for (const std::string host : {"vm.example", "127.0.0.1", "[127.0.0.1]:2222", "::1", "[::1]:22", "fe80::1%eth0",
                                 "[fe80::1%eth0]:65535", "under_score", "a"}) {
    INFO(host);
    CHECK(check_known_host(host));
  }
}

TEST_CASE("what known_hosts would read as more than one name is refused") {
  for (const std::string& host : {std::string(),
                                  std::string("*"),
                                  std::string("a,b"),
                                  std::string("?"),
                                  std::string("!vm"),
                                  std::string("a b"),
                                  std::string("a\tb"),
                                  std::string("vm\nother"),
                                  std::string("vm\r"),
                                  std::string("@cert-authority"),
                                  std::string("#vm"),
                                  std::string("|1|abc="),
                                  std::string("[vm]"),
                                  std::string("[vm]:"),
                                  std::string("[]:22"),
                                  std::string("[vm]:22x"),
                                  std::string("[vm]:123456"),
                                  std::string("[v*m]:22"),
                                  std::string("[[vm]:22"),
                                  std::string("vm]:22"),
                                  std::string("-oProxyCommand"),
                                  std::string("v\0m", 3),
                                  std::string("\xc3\xbc"),
                                  std::string(256, 'a')}) {
    INFO(host);
    const auto result = check_known_host(host);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::usage);
  }
  CHECK(check_known_host(std::string(255, 'a')));
}

TEST_CASE("there is one known_hosts line for each key") {
  const auto key =
      parse_ssh_public_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f comment");
  REQUIRE(key);
  const std::string line = "[vm]:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n";
  CHECK(known_hosts_lines("[vm]:22", {*key}) == line);
  CHECK(known_hosts_lines("[vm]:22", {*key, *key}) == line + line);
  CHECK(known_hosts_lines("vm", {}).empty());
}
