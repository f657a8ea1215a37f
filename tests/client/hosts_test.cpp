#include "client/hosts.h"

#include <sys/stat.h>

#include "base/file.h"
#include "client/discovery.h"
#include "tests/catch.h"
#include "tests/net/name_server.h"
#include "tests/temporary_folder.h"

namespace attestd::test {
namespace {

// Where nobody listens.
const NameServer no_dns{"127.0.0.1", 9};

constexpr std::string_view two_hosts = R"([[host]]
names = ["*.Example", "192.0.2.?"]
policy = "example.toml"

[[host]]
names = ["*"]
policy = "other.toml"
from = "https://gateway.%h:1"
ca-file = "ca.pem"
)";

std::string written(const TemporaryFolder& folder, std::string_view text) {
  std::string path = folder.file("hosts.toml");
  for (const char* const named : {"example.toml", "other.toml", "vm.toml", "ca.pem"}) {
    REQUIRE(replace_file(folder.file(named), {}, 0600));
  }
  REQUIRE(replace_file(path, as_bytes(text), 0600));
  return path;
}

Errc code_of(std::string_view text) {
  const auto hosts = parse_hosts(text, "/etc/attestd");
  REQUIRE_FALSE(hosts);
  return hosts.error().code;
}

TEST_CASE("the first host whose pattern fits counts") {
  const TemporaryFolder folder;
  const std::string path = written(folder, two_hosts);
  const auto policy = [&](const std::string& host) { return find_host_entry({path}, host).value().value().policy; };
  CHECK(policy("vm.example") == folder.file("example.toml"));
  CHECK(policy("a.b.EXAMPLE") == folder.file("example.toml"));
  CHECK(policy("192.0.2.7") == folder.file("example.toml"));
  CHECK(policy("192.0.2.70") == folder.file("other.toml"));
  CHECK(policy("example") == folder.file("other.toml"));
  const HostEntry other = find_host_entry({path}, "other").value().value();
  CHECK(other.from == "https://gateway.%h:1");
  CHECK(other.ca_file == folder.file("ca.pem"));
}

TEST_CASE("files are asked in turn, and those that are not there are passed over") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "[[host]]\nnames = [\"vm\"]\npolicy = \"vm.toml\"\n");
  CHECK(find_host_entry({folder.file("none"), path}, "vm").value().has_value());
  CHECK_FALSE(find_host_entry({folder.file("none"), path}, "other").value().has_value());
  CHECK_FALSE(find_host_entry({}, "vm").value().has_value());
}

TEST_CASE("a file that others may write is refused") {
  const TemporaryFolder folder;
  const std::string path = written(folder, two_hosts);
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto entry = find_host_entry({path}, "vm");
    REQUIRE_FALSE(entry);
    CHECK(entry.error().code == Errc::permission);
  }
}

TEST_CASE("what it names must not be others' to write either") {
  const TemporaryFolder folder;
  const std::string path = written(folder, two_hosts);
  for (const char* const named : {"other.toml", "ca.pem"}) {
    REQUIRE(::chmod(folder.file(named).c_str(), 0602) == 0);
    CHECK(find_host_entry({path}, "other").error().code == Errc::permission);
    CHECK(find_host_entry({path}, "vm.example"));
    REQUIRE(::chmod(folder.file(named).c_str(), 0600) == 0);
  }
  CHECK(find_host_entry({path}, "other"));
}

TEST_CASE("mistakes in the file are told with their place") {
  CHECK(code_of("[[host]]\npolicy = \"p\"\n") == Errc::malformed);
  CHECK(code_of("[[host]]\nnames = []\n") == Errc::out_of_range);
  CHECK(code_of("[[host]]\nnames = \"vm\"\n") == Errc::malformed);
  CHECK(code_of("[[host]]\nnames = [\"vm\"]\npolice = \"p\"\n") == Errc::malformed);
  CHECK(code_of("[host]\nnames = [\"vm\"]\n") == Errc::malformed);
  CHECK(code_of("[other]\n") == Errc::malformed);
  CHECK(code_of("[[host]\n") == Errc::malformed);
  const auto hosts = parse_hosts("[[host]]\nnames = [\"vm\"]\nx = 1\n", "/");
  REQUIRE_FALSE(hosts);
  CHECK(hosts.error().text().find("line 3") != std::string::npos);
}

TEST_CASE("a host is found by the file, or else at the default port") {
  const TemporaryFolder folder;
  const std::string path = written(folder, two_hosts);
  const auto by_file = find_host("vm", path, no_dns).value();
  CHECK(by_file.source == Source{Source::Kind::https, "https://gateway.vm:1"});
  CHECK(by_file.policy == folder.file("other.toml"));
  CHECK(by_file.found_by == "hosts.toml");
  const auto by_port = find_host("192.0.2.7", path).value();
  CHECK(by_port.source == Source{Source::Kind::https, "https://192.0.2.7:28443"});
  CHECK(by_port.policy == folder.file("example.toml"));
  CHECK(find_host("2001:db8::1", written(folder, "")).value().source.target == "https://[2001:db8::1]:28443");
  CHECK(find_host("vm", folder.file("none")).error().code == Errc::not_found);
}

TEST_CASE("a dot at the end of a name makes no other host of it, and what is no name is refused") {
  const TemporaryFolder folder;
  const std::string path = written(folder, two_hosts);
  CHECK(find_host("vm.example.", path, no_dns).value().policy == folder.file("example.toml"));
  for (const char* const name : {"", ".", "a b", "a@b", "a/b", "-vm", "vm;id", "a:b"}) {
    INFO(name);
    CHECK(find_host(name, path, no_dns).error().code == Errc::usage);
  }
}

TEST_CASE("an SRV record names servers, and the URL stays the host's") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "");
  const std::string url = "https://vm.example:28443";
  {
    const NameServerOnLoopback dns(good, {{1, 0, 1, "a.example"}, {2, 0, 2, "b.example"}});
    const auto where = find_host("vm.example", path, dns.server()).value();
    CHECK(where.source == Source{Source::Kind::https, url, {"a.example:1", "b.example:2"}});
    CHECK(where.found_by == "the SRV record _attestd._tcp.vm.example");
  }
  {
    const NameServerOnLoopback dns(good, std::vector<SrvRecord>(9, {1, 0, 1, "a.example"}));
    CHECK(find_host("vm.example", path, dns.server()).value().source.servers.size() == 4);
  }
  for (const SrvRecord& none : {SrvRecord{0, 0, 1, ""}, SrvRecord{0, 0, 0, "a.example"}}) {
    const NameServerOnLoopback dns(good, {none});
    CHECK(find_host("vm.example", path, dns.server()).error().code == Errc::not_found);
  }
  const NameServerOnLoopback dns(no_server, {});
  const auto where = find_host("vm.example", path, dns.server()).value();
  CHECK(where.source == Source{Source::Kind::https, url});
  CHECK(where.found_by.find("gives no answer") != std::string::npos);
}

TEST_CASE("an address of IPv6 has brackets in the URL that the file gives") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "[[host]]\nnames = [\"*\"]\nfrom = \"https://%h:1\"\n");
  CHECK(find_host("::1", path).value().source.target == "https://[::1]:1");
  CHECK(find_host("vm", path, no_dns).value().source.target == "https://vm:1");
}

}  // namespace
}  // namespace attestd::test
