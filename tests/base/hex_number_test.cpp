#include "base/hex_number.h"

#include <cstdint>

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("a number in hexadecimal has as many digits as its type") {
  CHECK(hex_number(std::uint8_t{0x0a}) == "0x0a");
  CHECK(hex_number(std::uint16_t{0x1a}) == "0x001a");
  CHECK(hex_number(std::uint32_t{0x81010001}) == "0x81010001");
  CHECK(hex_number(std::uint64_t{0xfedcba9876543210}) == "0xfedcba9876543210");
  CHECK(hex_number(std::uint64_t{0}) == "0x0000000000000000");
}
