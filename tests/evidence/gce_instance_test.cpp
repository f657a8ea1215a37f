#include "evidence/gce_instance.h"

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd {
namespace {

// As it stands in a genuine certificate.
const char* const genuine =
    "30590c0d75732d63656e7472616c312d61020600e7af735e9c0c08636f72652d65736f02085a8c6235b897b1850c0a696e7374616e63652d31"
    "a020301ea003020100a1030101ffa2030101ffa303010100a403010100a503010100";

TEST_CASE("a genuine instance identity is read") {
  const auto instance = parse_gce_instance(from_hex(genuine).value());
  REQUIRE(instance);
  CHECK(instance->zone == "us-central1-a");
  CHECK(instance->project_number == 995081019036U);
  CHECK(instance->project_id == "core-eso");
  CHECK(instance->instance_id == 6524697943022743941U);
  CHECK(instance->instance_name == "instance-1");
  CHECK(instance->security_version == 0U);
  CHECK(instance->production == true);
}

TEST_CASE("an instance identity that was encoded is read back") {
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, ~std::uint64_t{0}}) {
    const GceInstance instance{"z", number, "p", number, std::string(200, 'n'), 3, false};
    const auto read = parse_gce_instance(encode_gce_instance(instance));
    REQUIRE(read);
    CHECK(*read == instance);
  }
  const GceInstance bare{"z", 1, "p", 2, "n", {}, {}};
  CHECK(parse_gce_instance(encode_gce_instance(bare)) == bare);
}

TEST_CASE("an instance identity of another form is refused") {
  const Bytes good = from_hex(genuine).value();
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(parse_gce_instance(ByteView(good).first(size)));
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  CHECK_FALSE(parse_gce_instance(longer));
  Bytes negative = good;
  negative[19] = std::byte{0xff};
  CHECK_FALSE(parse_gce_instance(negative));
  Bytes no_text = good;
  no_text[2] = std::byte{0x13};
  CHECK_FALSE(parse_gce_instance(no_text));
  CHECK_FALSE(parse_gce_instance(encode_gce_instance({std::string(257, 'z'), 1, "p", 2, "n", {}, {}})));
}

}  // namespace
}  // namespace attestd
