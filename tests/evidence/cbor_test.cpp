#include "evidence/cbor.h"

#include <string>

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;
using Kind = CborValue::Kind;

namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

}  // namespace

TEST_CASE("integers are read as RFC 8949 appendix A has them") {
  const struct {
    const char* encoded;
    Kind kind;
    std::uint64_t number;
  } cases[] = {
      {"00", Kind::unsigned_integer, 0},
      {"17", Kind::unsigned_integer, 23},
      {"1818", Kind::unsigned_integer, 24},
      {"1903e8", Kind::unsigned_integer, 1000},
      {"1a000f4240", Kind::unsigned_integer, 1000000},
      {"1bffffffffffffffff", Kind::unsigned_integer, 0xffffffffffffffff},
      {"20", Kind::negative_integer, 0},
      {"3863", Kind::negative_integer, 99},
      {"f4", Kind::boolean, 0},
      {"f5", Kind::boolean, 1},
      {"f6", Kind::null, 0},
  };
  for (const auto& one : cases) {
    const Bytes bytes = hex(one.encoded);
    const auto value = parse_cbor(bytes);
    INFO(one.encoded);
    REQUIRE(value);
    CHECK(value->kind == one.kind);
    CHECK(value->number == one.number);
  }
}

TEST_CASE("containers, strings and tags are read, of definite and of indefinite length") {
  for (const char* const encoded : {"d2a201020343010203", "d2bf01020343010203ff"}) {
    const Bytes bytes = hex(encoded);
    const auto value = parse_cbor(bytes);
    INFO(encoded);
    REQUIRE(value);
    CHECK(value->tags == std::vector<std::uint64_t>{18});
    REQUIRE(value->kind == Kind::map);
    REQUIRE(value->find(1) != nullptr);
    CHECK(value->find(1)->number == 2);
    REQUIRE(value->find(3) != nullptr);
    CHECK(to_hex(value->find(3)->string) == "010203");
    CHECK(value->find(2) == nullptr);
    CHECK(value->find("1") == nullptr);
  }
  const Bytes array = hex("9f0161618001ff");
  const auto value = parse_cbor(array);
  REQUIRE(value);
  REQUIRE(value->items.size() == 4);
  CHECK(value->items[1].kind == Kind::text);
  CHECK(as_text(value->items[1].string) == "a");
  CHECK(value->items[2].items.empty());
}

TEST_CASE("what CBOR does not allow, or we do not read, is an error of its kind") {
  std::string deep;
  for (unsigned i = 0; i <= cbor_depth_limit; ++i) deep += "81";
  std::string many = "990401";
  for (std::size_t i = 0; i < 0x401; ++i) many += "00";
  const struct {
    std::string encoded;
    Errc code;
  } cases[] = {
      {"", Errc::truncated},
      {"18", Errc::truncated},
      {"1b00", Errc::truncated},
      {"430102", Errc::truncated},
      {"5bffffffffffffffff", Errc::truncated},  // a length near 2^64
      {"9bffffffffffffffff", Errc::truncated},  // as many items
      {"9f01", Errc::truncated},                // no break
      {"8201", Errc::truncated},
      {"1c", Errc::malformed},      // reserved
      {"1f", Errc::malformed},      // an integer of indefinite length
      {"df", Errc::malformed},      // a tag, as above
      {"ff", Errc::malformed},      // a break alone
      {"81ff", Errc::malformed},    // in a container of definite length
      {"bf01ff", Errc::malformed},  // between a key and its value
      {"0000", Errc::malformed},    // something behind
      {"61ff", Errc::malformed},    // no UTF-8
      {"a201000100", Errc::malformed},
      {"a20100180100", Errc::malformed},  // the same key in a longer form
      {"a18000", Errc::unsupported},      // an array as key
      {"f93c00", Errc::unsupported},      // 1.0
      {"f7", Errc::unsupported},          // undefined
      {"5f4101ff", Errc::unsupported},    // a string in chunks
      {"c1c1c1c1c100", Errc::out_of_range},
      {deep + "00", Errc::out_of_range},
      {many, Errc::out_of_range},
  };
  for (const auto& one : cases) {
    const auto value = parse_cbor(hex(one.encoded));
    INFO(one.encoded.substr(0, 40));
    REQUIRE_FALSE(value);
    CHECK(to_string(value.error().code) == to_string(one.code));
  }
}

TEST_CASE("the writer uses the shortest form, and the reader reads it back") {
  const Bytes bytes = CborWriter()
                          .tag(18)
                          .array(9)
                          .unsigned_integer(23)
                          .unsigned_integer(24)
                          .unsigned_integer(0x100)
                          .unsigned_integer(0x10000)
                          .unsigned_integer(0x100000000)
                          .integer(-35)
                          .bytes(hex("0102"))
                          .text("a")
                          .null()
                          .take();
  CHECK(to_hex(bytes) ==
        "d2891718181901001a000100001b00000001000000003822420102"
        "6161"
        "f6");
  const auto value = parse_cbor(bytes);
  REQUIRE(value);
  CHECK(value->items.size() == 9);
  CHECK(value->items[5].number == 34);
}

TEST_CASE("a prefix may be followed by anything") {
  CHECK(parse_cbor_prefix(hex("8101ffff")));
  CHECK_FALSE(parse_cbor(hex("8101ffff")));
}
