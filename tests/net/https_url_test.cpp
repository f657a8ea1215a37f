#include "net/https_url.h"

#include "tests/catch.h"

namespace attestd::test {
namespace {

TEST_CASE("an https URL names a host and a port") {
  using Server = HttpsServerName;
  CHECK(parse_https_url("https://vm.example", 28443).value() == Server{"vm.example", 28443});
  CHECK(parse_https_url("https://vm.example:443/", 28443).value() == Server{"vm.example", 443});
  CHECK(parse_https_url("HTTPS://192.0.2.1:1", 28443).value() == Server{"192.0.2.1", 1});
  CHECK(parse_https_url("https://[2001:db8::1]:8443", 28443).value() == Server{"2001:db8::1", 8443});
  CHECK(parse_https_url("https://[fe80::1%25eth0]", 28443).value() == Server{"fe80::1%eth0", 28443});
}

TEST_CASE("what is more than a server, or less, is refused") {
  for (const char* const url : {"",
                                "https://",
                                "https:",
                                "http://vm",
                                "ftp://vm",
                                "vm.example",
                                "https://user@vm",
                                "https://user:word@vm",
                                "https://vm/v1/evidence",
                                "https://vm?x=1",
                                "https://vm/#x",
                                "https://vm:0",
                                "https://vm:65536",
                                "https://vm:x",
                                "https://a b",
                                "https://a\nb",
                                "https://-vm",
                                "https://a;b",
                                "https://a,b",
                                "https://[::1",
                                "https://[zz]",
                                "https://vm%00",
                                "https://v%20m"}) {
    INFO(url);
    const auto server = parse_https_url(url, 28443);
    REQUIRE_FALSE(server);
    CHECK(server.error().code == Errc::usage);
  }
}

TEST_CASE("a server's URL reads back as the server") {
  for (const auto& server : {HttpsServerName{"vm.example", 28443}, HttpsServerName{"::1", 1},
                             HttpsServerName{"fe80::1%eth0", 443}, HttpsServerName{"127.0.0.1", 65535}}) {
    CHECK(parse_https_url(https_url(server), 7).value() == server);
  }
}

TEST_CASE("a URL is taken apart for who asks it") {
  const auto url = parse_http_url("http://169.254.169.254/metadata/x?y=1&z=/2").value();
  CHECK_FALSE(url.tls);
  CHECK(url.server == HttpsServerName{"169.254.169.254", 80});
  CHECK(url.target == "/metadata/x?y=1&z=/2");
  CHECK(parse_http_url("https://vm").value().server.port == 443);
  CHECK(parse_http_url("https://vm").value().target == "/");
  CHECK(parse_http_url("https://vm?a").value().target == "/?a");
  CHECK(parse_http_url("https://[fe80::1%25eth0]:7/a").value().authority == "[fe80::1]:7");
  for (const char* const bad :
       {"", "vm", "ftp://vm", "http:///x", "http://vm#x", "http://u@vm", "http://a b", "http://vm/a b",
        "http://vm/\r\nX: y", "http://vm:0", "http://[::1", "http://[::1]x", "http://vm/\xc3\xa4"}) {
    INFO(bad);
    CHECK_FALSE(parse_http_url(bad));
  }
}

TEST_CASE("an address is told from a name") {
  CHECK(is_address("127.0.0.1"));
  CHECK(is_address("::1"));
  CHECK(is_address("fe80::1%eth0"));
  CHECK_FALSE(is_address("vm.example"));
  CHECK_FALSE(is_address("1.2.3"));
  CHECK_FALSE(is_address("vm%1.2.3.4"));
}

}  // namespace
}  // namespace attestd::test
