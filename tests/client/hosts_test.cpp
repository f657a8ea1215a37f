#include "client/hosts.h"

#include <sys/stat.h>

#include "base/file.h"
#include "client/discovery.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::test {
namespace {

constexpr std::string_view two_hosts = R"([[host]]
names = ["*.Example", "192.0.2.?"]
policy = "example.toml"

[[host]]
names = ["*"]
policy = "/etc/other.toml"
from = "https://gateway.%h:1"
ca-file = "ca.pem"
)";

std::string written(const TemporaryFolder& folder, std::string_view text) {
  std::string path = folder.file("hosts.toml");
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
  CHECK(policy("192.0.2.70") == "/etc/other.toml");
  CHECK(policy("example") == "/etc/other.toml");
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
  const auto by_file = find_host("vm", path).value();
  CHECK(by_file.source == Source{Source::Kind::https, "https://gateway.vm:1"});
  CHECK(by_file.policy == "/etc/other.toml");
  CHECK(by_file.found_by == "hosts.toml");
  const auto by_port = find_host("192.0.2.7", path).value();
  CHECK(by_port.source == Source{Source::Kind::https, "https://192.0.2.7:28443"});
  CHECK(by_port.policy == folder.file("example.toml"));
  CHECK(find_host("2001:db8::1", written(folder, "")).value().source.target == "https://[2001:db8::1]:28443");
  CHECK(find_host("vm", folder.file("none")).error().code == Errc::not_found);
}

TEST_CASE("an address of IPv6 has brackets in the URL that the file gives") {
  const TemporaryFolder folder;
  const std::string path = written(folder, "[[host]]\nnames = [\"*\"]\nfrom = \"https://%h:1\"\n");
  CHECK(find_host("::1", path).value().source.target == "https://[::1]:1");
  CHECK(find_host("vm", path).value().source.target == "https://vm:1");
}

}  // namespace
}  // namespace attestd::test
