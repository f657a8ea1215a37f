#include "evidence/gce_instance.h"

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd {
namespace {

// As Google's certificates have it; the names are our own.
const char* const whole =
    "305d0c0e73696d2d63656e7472616c312d61020600e7af735e9c0c0b617474657374642d73696d02085a8c6235b897b1850c0a696e7374616e"
    "63652d31"
    "a020301ea003020100a1030101ffa2030101ffa303010100a403010100a503010100";

TEST_CASE("an instance identity is read") {
  const auto instance = parse_gce_instance(from_hex(whole).value());
  REQUIRE(instance);
  CHECK(instance->zone == "sim-central1-a");
  CHECK(instance->project_number == 995081019036U);
  CHECK(instance->project_id == "attestd-sim");
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
  const Bytes good = from_hex(whole).value();
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
