#include "base/bytes.h"

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;

TEST_CASE("a reader gives fields in the byte order asked for") {
  const Bytes input = *from_hex("0102030405060708090a");
  Reader reader(input);
  CHECK(*reader.u8("a") == 0x01);
  CHECK(*reader.le16("b") == 0x0302);
  CHECK(*reader.be32("c") == 0x04050607);
  CHECK(reader.offset() == 7);
  CHECK(reader.remaining() == 3);
}

TEST_CASE("a reader refuses to read past the end, and says where and what") {
  const Bytes input = *from_hex("010203");
  Reader reader(input, 100);
  REQUIRE(reader.u8("first"));
  const auto result = reader.le32("the count");
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::truncated);
  CHECK(result.error().offset == 101);
  CHECK(result.error().message == "the count needs 4 bytes, 2 are left");
  CHECK(reader.remaining() == 2);
  CHECK_FALSE(reader.take(~std::size_t{0}, "everything"));
}

TEST_CASE("a writer is the reader's inverse") {
  const Bytes out = Writer().u8(1).le16(0x0302).be32(0x04050607).le64(9).zeros(2).take();
  CHECK(to_hex(out) ==
        "01020304050607"
        "0900000000000000"
        "0000");
}

TEST_CASE("constant-time comparison compares") {
  CHECK(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
}
