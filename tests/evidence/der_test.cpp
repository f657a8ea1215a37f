#include "evidence/der.h"

#include "tests/catch.h"

namespace attestd {
namespace {

Bytes raw(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

}  // namespace

TEST_CASE("DER values one after the other are cut where each ends") {
  Bytes long_one = raw({0x30, 0x81, 0x80});
  long_one.resize(long_one.size() + 0x80);
  const Bytes short_one = raw({0x30, 0x01, 0x00});
  Bytes both = long_one;
  both.insert(both.end(), short_one.begin(), short_one.end());
  const auto cut = split_der_sequences(both, 2);
  REQUIRE(cut);
  CHECK(*cut == std::vector<Bytes>{long_one, short_one});
  CHECK_FALSE(split_der_sequences(both, 1));
  CHECK(split_der_sequences({}, 1)->empty());
}

TEST_CASE("what is not DER is refused") {
  const std::vector<std::pair<const char*, Bytes>> cases{
      {"a SET", raw({0x31, 0x00})},
      {"a tag alone", raw({0x30})},
      {"a value that ends early", raw({0x30, 0x02, 0x00})},
      {"BER's indefinite length", raw({0x30, 0x80, 0x00, 0x00})},
      {"a long length that a short one could say", raw({0x30, 0x81, 0x01, 0x00})},
      {"a leading zero in a length", raw({0x30, 0x82, 0x00, 0x80})},
      {"a length of five octets", raw({0x30, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00})},
      {"a length beyond the input", raw({0x30, 0x84, 0xff, 0xff, 0xff, 0xff})},
  };
  for (const auto& [name, bytes] : cases) {
    INFO(name);
    CHECK_FALSE(split_der_sequences(bytes, 8));
  }
}

}  // namespace attestd
