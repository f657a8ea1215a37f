#include "net/srv.h"

#include <chrono>
#include <map>

#include "tests/catch.h"
#include "tests/net/name_server.h"

namespace attestd::test {
namespace {

TEST_CASE("SRV records are found, the lowest priority first") {
  const NameServerOnLoopback dns(good, {{20, 0, 1, "later.example"}, {10, 5, 28443, "first.example"}});
  const auto records = lookup_srv("_attestd._tcp.vm.example", dns.server());
  REQUIRE(records);
  CHECK(*records == std::vector<SrvRecord>{{10, 5, 28443, "first.example"}, {20, 0, 1, "later.example"}});
}

TEST_CASE("those of one priority come at random, by weight") {
  const NameServerOnLoopback dns(good, {{1, 1, 1, "light.example"}, {1, 9, 2, "heavy.example"}});
  std::map<std::string, int> first;
  for (int i = 0; i < 200; ++i) ++first[lookup_srv("_attestd._tcp.vm.example", dns.server()).value().at(0).target];
  // 180 are expected, with a deviation of 4.2.
  CHECK(first["heavy.example"] > 140);
  CHECK(first["light.example"] > 0);
}

TEST_CASE("a name or a record that is not there is nothing") {
  for (const unsigned flags : {good, no_name}) {
    const NameServerOnLoopback dns(flags, {});
    const auto records = lookup_srv("_attestd._tcp.vm.example", dns.server());
    REQUIRE(records);
    CHECK(records->empty());
  }
}

TEST_CASE("a DNS that fails is told from one without the record") {
  const NameServerOnLoopback dns(no_server, {});
  const auto records = lookup_srv("_attestd._tcp.vm.example", dns.server());
  REQUIRE_FALSE(records);
  CHECK(records.error().code == Errc::unavailable);
}

TEST_CASE("an answer that was cut short does not make us ask by TCP") {
  const NameServerOnLoopback dns(truncated, {{1, 1, 28443, "a.example"}});
  // Where it listens too, and would never answer.
  const UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(dns.server().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(tcp.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(tcp.get(), 4) == 0);
  const auto before = std::chrono::steady_clock::now();
  const auto records = lookup_srv("_attestd._tcp.vm.example", dns.server());
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(10));
  REQUIRE(records);
  CHECK(records->size() == 1);
}

TEST_CASE("what is no name of the DNS is not asked for") {
  for (const char* const name : {"", "-vm", "a b", "a/b", "a\nb"}) {
    const auto records = lookup_srv(name);
    REQUIRE_FALSE(records);
    CHECK(records.error().code == Errc::usage);
  }
}

TEST_CASE("a target of the root says that there is no such service") {
  const auto records = parse_srv(message(7, question_for("vm.example"), good, {{0, 0, 0, ""}}));
  REQUIRE(records);
  CHECK(*records == std::vector<SrvRecord>{{0, 0, 0, ""}});
}

TEST_CASE("a target that cannot be in a URL is refused") {
  for (const char* const target : {"a b", "a/b", "-vm", "a@b", "a:1"}) {
    INFO(target);
    CHECK_FALSE(parse_srv(message(7, question_for("vm.example"), good, {{0, 0, 1, target}})));
  }
}

TEST_CASE("a message that is cut anywhere gives an error or fewer records, and a long one is bounded") {
  const std::vector<SrvRecord> all(40, {0, 0, 1, "a.example"});
  const Bytes whole = message(7, question_for("vm.example"), good, all);
  CHECK(parse_srv(whole).value().size() == srv_limit);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto records = parse_srv(ByteView(whole).first(size));
    CHECK_FALSE(records);
  }
}

}  // namespace
}  // namespace attestd::test
