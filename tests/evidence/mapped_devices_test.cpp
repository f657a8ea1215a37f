#include "evidence/mapped_devices.h"

#include "tests/catch.h"

namespace attestd {
namespace {

using Targets = std::vector<MappedDeviceReport::Target>;

// As Linux 6.1 tells of a LUKS2 volume.
const std::string crypt =
    "target_name=crypt,target_version=1.24.0,allow_discards=n,same_cpu_crypt=n,submit_from_crypt_cpus=n,"
    "no_read_workqueue=n,no_write_workqueue=n,iv_large_sectors=n,cipher_string=aes-xts-plain64,key_size=64,"
    "key_parts=1,key_extra_size=0,key_mac_size=0;";
const std::string authenticated =
    "target_name=crypt,target_version=1.24.0,integrity_tag_size=48,cipher_auth=hmac(sha256),sector_size=4096,"
    "cipher_string=capi:authenc(hmac(sha256),xts(aes))-random,key_size=96,key_parts=1;";
const std::string verity =
    "target_name=verity,target_version=1.8.0,hash_failed=V,verity_version=1,data_device_name=254:1,"
    "hash_device_name=254:2,verity_algorithm=sha256,root_digest=00ff,salt=-,ignore_zero_blocks=n,"
    "check_at_most_once=n,verity_mode=restart_on_corruption;";

Result<std::vector<StorageMapping>> mappings(Targets targets) {
  return mappings_of({"254:0", "root", std::move(targets)}, "layer");
}

}  // namespace

TEST_CASE("a list of mapped devices survives its encoding") {
  const std::vector<MappedDeviceReport> before{{"254:0", "root", {{"crypt", crypt}, {"linear", ""}}},
                                               {"254:1", "a \"name\"", {}}};
  const auto after = parse_mapped_devices(as_bytes(encode_mapped_devices(before)));
  REQUIRE(after);
  REQUIRE(after->size() == 2);
  CHECK(after->at(0).number == "254:0");
  CHECK(after->at(0).targets.at(0).status == crypt);
  CHECK(after->at(0).targets.at(1).type == "linear");
  CHECK(after->at(1).name == "a \"name\"");
  CHECK(after->at(1).targets.empty());
}

TEST_CASE("a list of mapped devices that is none is refused") {
  for (const std::string_view json :
       {"", "{}", R"({"devices":{}})", R"({"devices":[1]})", R"({"devices":[{"device":"254:0","name":"x"}]})",
        R"({"devices":[{"device":"254:0","name":"x","targets":[{"type":"crypt"}]}]})",
        R"({"devices":[],"devices":[]})"}) {
    INFO(json);
    CHECK_FALSE(parse_mapped_devices(as_bytes(json)));
  }
  CHECK(parse_mapped_devices(Bytes(mapped_devices_max_size + 1)).error().code == Errc::out_of_range);
}

TEST_CASE("the kernel's own text of a target names cipher or root hash") {
  const auto plain = mappings({{"crypt", crypt}});
  REQUIRE(plain);
  REQUIRE(plain->size() == 1);
  CHECK(plain->front() == StorageMapping{"root", "layer", "crypt", "aes-xts-plain64", 64});
  const auto with_tags = mappings({{"crypt", authenticated}});
  REQUIRE(with_tags);
  CHECK(with_tags->front().cipher == "capi:authenc(hmac(sha256),xts(aes))-random");
  CHECK(with_tags->front().integrity == "hmac(sha256)");
  const auto hashed = mappings({{"verity", verity}});
  REQUIRE(hashed);
  CHECK(hashed->front().hash == "sha256");
  CHECK(hashed->front().mode == "restart_on_corruption");
  CHECK(hashed->front().root_hash == Bytes{std::byte{0}, std::byte{0xff}});
}

TEST_CASE("each thing that a device does is told once, and none is hidden") {
  const auto several = mappings({{"crypt", crypt}, {"crypt", crypt}, {"linear", ""}, {"crypt", crypt}});
  REQUIRE(several);
  REQUIRE(several->size() == 3);
  CHECK(several->at(1).target == "linear");
  // A kernel that says nothing of a target: no cipher, which no policy accepts.
  const auto silent = mappings({{"crypt", ""}});
  REQUIRE(silent);
  CHECK(silent->front().cipher.empty());
  CHECK(mappings({})->empty());
}

TEST_CASE("a target's text that breaks its format is refused") {
  for (const std::string_view status :
       {"target_name=crypt", "target_name=crypt,key_size=64,,x=y;", "target_name=crypt,key_size=64,x;",
        "target_name=crypt,key_size=64,key_size=64;", "target_name=crypt,key_size=6x;", "target_name=crypt;",
        "target_name=linear,key_size=64;", "key_size=64;", "target_name=crypt,cipher_string=a(b,key_size=64;",
        "target_name=crypt,cipher_string=a)b,key_size=64;", "target_name=crypt,key_size=4097;"}) {
    INFO(status);
    const auto refused = mappings({{"crypt", std::string(status)}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
  }
  CHECK_FALSE(mappings({{"verity", "target_name=verity,root_digest=;"}}));
  CHECK_FALSE(mappings({{"verity", "target_name=verity,root_digest=0;"}}));
}

}  // namespace attestd
