#include "base/encoding.h"

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("RFC 4648 section 10 vectors") {
  const struct {
    std::string_view text, base64, base64url, hex;
  } cases[] = {
      {"", "", "", ""},
      {"f", "Zg==", "Zg", "66"},
      {"fo", "Zm8=", "Zm8", "666f"},
      {"foo", "Zm9v", "Zm9v", "666f6f"},
      {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
      {"fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261"},
      {"\xfb\xff", "+/8=", "-_8", "fbff"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(to_base64(as_bytes(c.text)) == c.base64);
    CHECK(to_base64url(as_bytes(c.text)) == c.base64url);
    CHECK(to_hex(as_bytes(c.text)) == c.hex);
    CHECK(as_text(*from_base64(c.base64)) == c.text);
    CHECK(as_text(*from_base64url(c.base64url)) == c.text);
    CHECK(as_text(*from_hex(c.hex)) == c.text);
  }
}

TEST_CASE("decoders refuse what is not exactly one encoding") {
  for (const char* text : {"Zg", "Zg=", "Z===", "Zh==", "Zg==\n", "Z g=", "-_8=", "===="}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
  for (const char* text : {"Zg==", "Zh", "Z", "+/8", "Zm8\n"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64url(text));
  }
  for (const char* text : {"0", "0g", "0x00", " 00"}) {
    CAPTURE(text);
    CHECK_FALSE(from_hex(text));
  }
}

TEST_CASE("RFC 3339 times, both ways") {
  CHECK(*from_rfc3339("1970-01-01T00:00:00Z") == 0);
  CHECK(*from_rfc3339("2025-06-01T00:00:00Z") == 1748736000);
  CHECK(*from_rfc3339("2025-06-01T02:00:00.25+02:00") == 1748736000);
  CHECK(to_rfc3339(1748736000) == "2025-06-01T00:00:00Z");
  for (const char* text : {"", "2025-06-01", "2025-06-01T00:00:00", "2025-02-30T00:00:00Z", "2025-06-01T24:00:00Z",
                           "2025-06-01T00:00:00Zx", "2025-06-01T00:00:00.Z", "2025-06-01T00:00:00+2:00"}) {
    CAPTURE(text);
    CHECK_FALSE(from_rfc3339(text));
  }
}
