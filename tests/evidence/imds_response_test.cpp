#include "evidence/imds_response.h"

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;

TEST_CASE("a VCEK answer gives certificate, chain and TCB") {
  const auto parsed = parse_imds_amd_certification(
      R"({"vcekCert":"leaf","tcbm":"DB18000000000004","certificateChain":"ask and ark","cacheControl":"86400"})");
  REQUIRE(parsed);
  CHECK(parsed->vcek == "leaf");
  CHECK(parsed->certificate_chain == "ask and ark");
  CHECK(parsed->tcbm == "DB18000000000004");
}

TEST_CASE("a TD quote answer gives its bytes, padded or not") {
  for (const char* text : {R"({"quote":"_-8"})", R"({"quote":"_-8="})"}) {
    const auto parsed = parse_imds_td_quote(text);
    REQUIRE(parsed);
    CHECK(to_hex(*parsed) == "ffef");
  }
  CHECK(encode_imds_td_quote_request(from_hex("ffef").value()) == R"({"report":"_-8"})");
}

TEST_CASE("answers that say something else are refused") {
  const std::string huge = R"({"quote":")" + std::string(imds_response_max_size, 'A') + R"("})";
  struct Case {
    std::string text;
    Errc code;
  };
  const Case cases[] = {
      {"", Errc::malformed},   {"<html>busy</html>", Errc::malformed},           {"[]", Errc::malformed},
      {"{}", Errc::not_found}, {R"({"quote":7,"vcekCert":7})", Errc::malformed}, {huge, Errc::out_of_range},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text.substr(0, 40));
    CHECK(parse_imds_amd_certification(one.text).error().code == one.code);
    CHECK(parse_imds_td_quote(one.text).error().code == one.code);
  }
  CHECK(parse_imds_td_quote(R"({"quote":""})").error().code == Errc::malformed);
  CHECK_FALSE(parse_imds_td_quote(R"({"quote":"===="})"));
  CHECK_FALSE(parse_imds_td_quote(R"({"quote":"AA","quote":"AAAA"})"));
  CHECK(parse_imds_amd_certification(R"({"vcekCert":"a","certificateChain":"b","tcbm":"DB"})").error().code ==
        Errc::malformed);
  CHECK(parse_imds_amd_certification(R"({"vcekCert":"a"})").error().code == Errc::not_found);
}
