#include "evidence/pcr.h"

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;

TEST_CASE("PCRs start as zeros, the dynamic ones as ones") {
  for (unsigned index = 0; index < 24; ++index) {
    const Bytes value = pcr_initial_value(HashAlgorithm::sha256, index);
    CHECK(value.size() == 32);
    CHECK(value.front() == (index >= 17 && index <= 22 ? std::byte{0xff} : std::byte{0}));
  }
}

TEST_CASE("extending hashes the old value before the event's digest") {
  // printf '%064d' 0 | xxd -r -p twice, through sha256sum: 64 zero bytes.
  Bytes value = pcr_initial_value(HashAlgorithm::sha256, 8);
  pcr_extend(HashAlgorithm::sha256, value, Bytes(32));
  CHECK(to_hex(value) == "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
  const Bytes event = digest(HashAlgorithm::sha256, {as_bytes("event")});
  const Bytes before = value;
  pcr_extend(HashAlgorithm::sha256, value, event);
  CHECK(value == digest(HashAlgorithm::sha256, {before, event}));
  CHECK(value != digest(HashAlgorithm::sha256, {event, before}));
}

TEST_CASE("the composite is over the selected values in selection order, and needs each") {
  const PcrValues values{{HashAlgorithm::sha1, {{0, Bytes(20, std::byte{1})}}},
                         {HashAlgorithm::sha256, {{3, Bytes(32, std::byte{3})}, {7, Bytes(32, std::byte{7})}}}};
  const auto composite = [&](const std::vector<PcrSelection>& selection) {
    return pcr_composite(HashAlgorithm::sha256, selection, values);
  };
  const Bytes a(20, std::byte{1});
  const Bytes b(32, std::byte{3});
  const Bytes c(32, std::byte{7});
  CHECK(*composite({{HashAlgorithm::sha256, {3, 7}}, {HashAlgorithm::sha1, {0}}}) ==
        digest(HashAlgorithm::sha256, {b, c, a}));
  CHECK(*composite({{HashAlgorithm::sha1, {0}}, {HashAlgorithm::sha256, {7}}}) ==
        digest(HashAlgorithm::sha256, {a, c}));
  CHECK(composite({{HashAlgorithm::sha256, {4}}}).error().code == Errc::not_found);
  CHECK(composite({{HashAlgorithm::sha384, {0}}}).error().code == Errc::not_found);
}

TEST_CASE("PCR values survive JSON") {
  const PcrValues values{{HashAlgorithm::sha1, {{0, Bytes(20, std::byte{1})}, {23, Bytes(20)}}},
                         {HashAlgorithm::sha384, {{10, Bytes(48, std::byte{0xab})}}}};
  const std::string json = pcr_values_to_json(values);
  CHECK(json.starts_with(R"({"sha1":{"0":"0101)"));
  REQUIRE(pcr_values_from_json(json));
  CHECK(*pcr_values_from_json(json) == values);
  CHECK(pcr_values_to_json({}) == "{}");
  CHECK(pcr_values_from_json("{}")->empty());
}

TEST_CASE("JSON that is not PCR values is refused") {
  const std::string zeros(64, '0');
  const std::vector<std::pair<std::string, Errc>> cases{
      {"", Errc::malformed},
      {"[]", Errc::malformed},
      {R"({"sha256":[]})", Errc::malformed},
      {R"({"md5":{}})", Errc::unsupported},
      {R"({"sha256":{"24":")" + zeros + R"("}})", Errc::out_of_range},
      {R"({"sha256":{"-1":")" + zeros + R"("}})", Errc::out_of_range},
      {R"({"sha256":{"07":")" + zeros + R"("}})", Errc::out_of_range},
      {R"({"sha256":{"":")" + zeros + R"("}})", Errc::out_of_range},
      {R"({"sha256":{"4294967296":")" + zeros + R"("}})", Errc::out_of_range},
      {R"({"sha256":{"0":")" + zeros + R"(00"}})", Errc::out_of_range},
      {R"({"sha256":{"0":""}})", Errc::out_of_range},
      {R"({"sha256":{"0":7}})", Errc::malformed},
      {R"({"sha256":{"0":"zz"}})", Errc::malformed},
      {R"({"sha256":{"0":")" + zeros + R"(","0":")" + zeros + R"("}})", Errc::malformed},
  };
  for (const auto& [json, code] : cases) {
    INFO(json);
    const auto values = pcr_values_from_json(json);
    REQUIRE_FALSE(values);
    CHECK(values.error().code == code);
  }
}
