// What the network asks, as attestd gets it.
#include "agent/evidence_request.h"
#include "gateway/api_internal.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::gateway;

namespace {
const net::TlsChannel channel{Bytes(32, std::byte{1}), Bytes(32, std::byte{2})};
}

TEST_CASE("a request gets the channel that it came over, and keeps the rest") {
  const auto body = with_channel(R"({"nonce":"AAAAAAAAAAA","purpose":"monitor"})", channel);
  REQUIRE(body);
  CHECK(
      *body ==
      R"({"nonce":"AAAAAAAAAAA","purpose":"monitor","channel":{"tls_spki_sha256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",)"
      R"("tls_exporter":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"}})");
}

TEST_CASE("the network chooses neither the channel nor to unlock") {
  struct Case {
    std::string_view body;
    std::string_view problem;
  };
  for (const Case& c : {Case{R"({"nonce":"AAAAAAAAAAA","channel":{}})", "not-permitted"},
                        Case{R"({"nonce":"AAAAAAAAAAA","channel":null})", "not-permitted"},
                        Case{R"({"nonce":"AAAAAAAAAAA","purpose":"unlock"})", "not-permitted"},
                        Case{R"({"nonce":"AAAAAAAAAAA","purpose":"\u0075nlock"})", "not-permitted"},
                        Case{R"({"channel":1,"\u0063hannel":2})", "malformed-json"}, Case{"[]", "malformed-request"},
                        Case{"", "malformed-json"}, Case{"{", "malformed-json"}}) {
    INFO(c.body);
    const auto body = with_channel(c.body, channel);
    REQUIRE_FALSE(body);
    CHECK(body.error().kind.name == c.problem);
  }
}
