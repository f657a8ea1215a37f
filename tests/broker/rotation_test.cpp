#include "broker/rotation.h"

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;
using broker::parse_rotation_request;

namespace {

const std::string key = to_base64url(Bytes(32, std::byte{7}));

std::string request(const std::string& members) { return "{" + members + "}"; }
const std::string good = R"("resource":"vm1/disk/root","token":"0a1b","key":")" + key + R"(")";

}  // namespace

TEST_CASE("a request for a rotation has a resource, a token and a key, and nothing else") {
  const auto parsed = parse_rotation_request(request(good));
  REQUIRE(parsed);
  CHECK(parsed->resource == "vm1/disk/root");
  CHECK(parsed->token == "0a1b");
  CHECK(parsed->key.size() == 32);

  const auto with = [](const std::string& from, const std::string& to) {
    std::string out = good;
    out.replace(out.find(from), from.size(), to);
    return request(out);
  };
  for (const std::string& bad :
       {std::string(), std::string("[]"), request(""), request(good + R"(,"force":true)"),
        request(good + R"(,"token":"0a1b")"), with("vm1/disk/root", "vm1/root"), with("vm1/disk/root", "../disk/root"),
        with("0a1b", std::string(257, 'a')), with(key, to_base64url(Bytes(31))), with(key, to_base64url(Bytes(513))),
        with(key, "*"), with(R"(,"token":"0a1b")", "")}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_rotation_request(bad));
  }
}

TEST_CASE("no error about a rotation quotes the token or the key") {
  for (const std::string& bad : {request(good + R"(,"more":1)"), request(good + R"(,"key":1)"), request(good) + "x"}) {
    const auto parsed = parse_rotation_request(bad);
    REQUIRE_FALSE(parsed);
    CHECK_THAT(parsed.error().text(), !Catch::Contains("0a1b") && !Catch::Contains(key));
  }
}

TEST_CASE("a token for a first key is found by no rotation, nor the other way round") {
  CHECK(broker::enrolment_token_digest("0a1b") != broker::rotation_token_digest("0a1b"));
  CHECK(broker::rotation_token_digest("0a1b") == broker::rotation_token_digest("0a1b"));
  CHECK(broker::rotation_token_digest("0a1b") != broker::rotation_token_digest("0a1c"));
}
