#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "client/disk_active.h"
#include "client/disk_change.h"
#include "client/disk_recovery.h"
#include "client/disk_vtpm.h"
#include "client/subprocess.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;

namespace {

// /sys/block/NODE as the kernel has it.
void add_node(const test::TemporaryFolder& folder, const std::string& node, const std::string& uuid,
              const std::string& name, const std::vector<std::string>& slaves) {
  const std::string path = folder.file(node);
  std::filesystem::create_directories(path + "/dm");
  std::filesystem::create_directories(path + "/slaves");
  REQUIRE(replace_file(path + "/dm/uuid", as_bytes(uuid + "\n"), 0644));
  REQUIRE(replace_file(path + "/dm/name", as_bytes(name + "\n"), 0644));
  for (const std::string& slave : slaves) std::filesystem::create_directories(path + "/slaves/" + slave);
}

luks::Header header_with(const std::vector<unsigned>& keyslots, const std::vector<std::vector<unsigned>>& tokens) {
  luks::Header out;
  for (const unsigned id : keyslots) out.keyslots.emplace_back().id = id;
  for (unsigned id = 0; id < tokens.size(); ++id) {
    auto& token = out.tokens.emplace_back();
    token.id = id;
    token.keyslots = tokens[id];
  }
  return out;
}

}  // namespace

TEST_CASE("LUKS2 volumes that are mapped are found with the device that has their header") {
  const test::TemporaryFolder folder;
  add_node(folder, "dm-0", "CRYPT-LUKS2-6a1e2d3c000040008000000000000011-root", "root", {"vda2"});
  add_node(folder, "dm-1", "CRYPT-SUBDEV-6a1e2d3c000040008000000000000022-data_dif", "data_dif", {"vdb"});
  add_node(folder, "dm-2", "CRYPT-LUKS2-6a1e2d3c000040008000000000000022-data", "data", {"dm-1"});
  add_node(folder, "dm-3", "CRYPT-PLAIN-swap", "swap", {"vdc"});
  add_node(folder, "dm-4", "LVM-abc", "lv", {"vdd"});
  add_node(folder, "dm-5", "CRYPT-LUKS2-short-x", "x", {"vde"});
  add_node(folder, "dm-6", "CRYPT-LUKS2-6a1e2d3c000040008000000000000033-two", "two", {"vdf", "vdg"});
  std::filesystem::create_directories(folder.file("vda2"));
  const auto found = active_volumes(folder.path());
  REQUIRE(found.size() == 3);
  CHECK(found[0].name == "root");
  CHECK(found[0].uuid == "6a1e2d3c-0000-4000-8000-000000000011");
  CHECK(found[0].device == "/dev/vda2");
  CHECK(found[1].name == "data");
  CHECK(found[1].device == "/dev/vdb");
  CHECK(found[2].device.empty());
  CHECK(active_volumes("/nonexistent").empty());
}

TEST_CASE("the cipher in use is compared with the header's in the kernel's words") {
  struct Case {
    std::string encryption, integrity, status;
  };
  const std::string begin = "target_name=crypt,target_version=1.24.0,";
  const std::vector<Case> cases = {
      // As Linux 6.1 tells of LUKS2 volumes.
      {"aes-xts-plain64", "",
       begin + "allow_discards=n,same_cpu_crypt=n,submit_from_crypt_cpus=n,no_read_workqueue=n,no_write_workqueue=n,"
               "iv_large_sectors=n,cipher_string=aes-xts-plain64,key_size=64,key_parts=1,key_extra_size=0,"
               "key_mac_size=0;"},
      {"aes-xts-random", "hmac(sha256)",
       begin + "integrity_tag_size=48,cipher_auth=hmac(sha256),sector_size=4096,"
               "cipher_string=capi:authenc(hmac(sha256),xts(aes))-random,key_size=96,key_parts=1;"},
      {"aes-gcm-random", "aead", begin + "cipher_string=capi:gcm(aes)-random,key_size=32;"},
      {"aes-ccm-random", "aead", begin + "cipher_string=capi:rfc4309(ccm(aes))-random,key_size=35;"},
      {"aegis128-random", "aead", begin + "cipher_string=capi:aegis128-random,key_size=16;"},
      {"chacha20-random", "poly1305", begin + "cipher_string=capi:rfc7539(chacha20,poly1305)-random,key_size=32;"},
  };
  for (const Case& c : cases) {
    INFO(c.encryption);
    const std::vector<hwio::MappedDevice> devices = {{"254:0", "other", {{"linear", ""}}},
                                                     {"254:1", "root", {{"crypt", c.status}}}};
    const auto active = active_cipher(devices, "root");
    REQUIRE(active);
    CHECK(*active == kernel_cipher(c.encryption, c.integrity));
    CHECK(*active != kernel_cipher("aes-cbc-essiv:sha256", c.integrity));
  }
  CHECK(kernel_cipher("aes", "aead").empty());
}

TEST_CASE("what the kernel does not say of a mapping is not told as its cipher") {
  const std::string crypt = "target_name=crypt,cipher_string=aes-xts-plain64,key_size=64;";
  struct Case {
    std::string name;
    std::vector<hwio::MappedTarget> targets;
    Errc code;
  };
  for (const Case& c : std::vector<Case>{{"an older kernel's", {{"crypt", ""}}, Errc::unavailable},
                                         {"of dm-crypt in part", {{"crypt", crypt}, {"linear", ""}}, Errc::not_found},
                                         {"of another target", {{"linear", ""}}, Errc::not_found},
                                         {"empty", {}, Errc::not_found},
                                         {"broken", {{"crypt", "cipher_string"}}, Errc::malformed}}) {
    INFO(c.name);
    CHECK(active_cipher({{"254:0", "root", c.targets}}, "root").error().code == c.code);
  }
  CHECK(active_cipher({}, "root").error().code == Errc::not_found);
}

TEST_CASE("with a token only the keyslots go that no other token names") {
  const luks::Header header = header_with({0, 1, 2, 3}, {{1}, {1, 2}, {3}});
  CHECK(keyslots_of_only(header, {0}).empty());
  CHECK(keyslots_of_only(header, {1}) == std::vector<unsigned>{2});
  CHECK(keyslots_of_only(header, {0, 1}) == std::vector<unsigned>{1, 2});
  CHECK(keyslots_of_only(header, {2}) == std::vector<unsigned>{3});
  CHECK(keyslots_of_only(header, {}).empty());
}

TEST_CASE("an option that the method has no use for is refused by name") {
  const auto reason = [](const auto& run, const auto& options) {
    const auto done = run(CommonOptions{}, options);
    return done || done.error().code != Errc::usage ? std::string() : done.error().text();
  };
  const std::pair<const char*, std::string DiskVtpmOptions::*> of_vtpm[] = {
      {"--counter", &DiskVtpmOptions::counter},
      {"--pcrs", &DiskVtpmOptions::pcrs},
      {"--pin-file", &DiskVtpmOptions::pin_file},
      {"--unlock-program", &DiskVtpmOptions::program}};
  for (const auto& [name, member] : of_vtpm) {
    INFO(name);
    DiskEnrollOptions enroll;
    enroll.vtpm.*member = "1";
    CHECK_THAT(reason(run_disk_enroll, enroll), Catch::StartsWith(name));
    DiskRotateOptions rotate;
    rotate.vtpm.*member = "1";
    CHECK_THAT(reason(run_disk_rotate, rotate), Catch::StartsWith(name));
  }
  DiskEnrollOptions enroll;
  enroll.method = "vtpm";
  enroll.token_file = "token";
  CHECK_THAT(reason(run_disk_enroll, enroll), Catch::StartsWith("--token-file"));
  DiskRotateOptions rotate;
  rotate.key_file = "passphrase";
  CHECK_THAT(reason(run_disk_rotate, rotate), Catch::StartsWith("--key-file"));
  rotate.method = "vtpm";
  rotate.token_file = "token";
  CHECK_THAT(reason(run_disk_rotate, rotate), Catch::StartsWith("--token-file"));
}

TEST_CASE("sealed anew, a volume keeps its registers, its counter and its PIN") {
  OwnToken plain;
  plain.token.vtpm.emplace().pcrs = {4, 7, 11};
  OwnToken counted = plain;
  counted.token.vtpm->counter = luks::VtpmCounter{0x01800100, 7, {}};
  counted.token.vtpm->pin = true;
  const auto kept = sealed_as_before({}, {plain});
  REQUIRE(kept);
  CHECK(kept->pcrs == "4,7,11");
  CHECK(kept->counter.empty());
  CHECK(sealed_as_before({}, {plain, counted}).error().code == Errc::usage);
  const auto with_pin = sealed_as_before({.counter = {}, .pcrs = {}, .pin_file = "pin", .program = {}}, {counted});
  REQUIRE(with_pin);
  CHECK(with_pin->counter == "0x01800100");
  CHECK(with_pin->pin_file == "pin");
  const auto other =
      sealed_as_before({.counter = "0x01800200", .pcrs = "7", .pin_file = "pin", .program = {}}, {counted});
  REQUIRE(other);
  CHECK(other->counter == "0x01800200");
  CHECK(other->pcrs == "7");
}

TEST_CASE("a recovery key is 256 random bits that any keyboard types") {
  std::set<std::string> seen;
  for (int i = 0; i < 8; ++i) {
    const auto key = make_recovery_key();
    REQUIRE(key);
    const std::string text(as_text(key->view()));
    CHECK(text.size() == 71);
    CHECK(text.find_first_not_of("cbdefghijklnrtuv-") == std::string::npos);
    for (std::size_t at = 8; at < text.size(); at += 9) CHECK(text[at] == '-');
    seen.insert(text);
  }
  CHECK(seen.size() == 8);
  CHECK(recovery_token_json(3) == R"({"type":"systemd-recovery","keyslots":["3"]})");
}

TEST_CASE("a recovery key goes to a new file for its owner, and over no other") {
  const test::TemporaryFolder folder;
  const auto key = make_recovery_key().value();
  const std::string path = folder.file("key");
  {
    auto place = RecoveryPlace::open(path);
    REQUIRE(place);
    // Before any header has it.
    REQUIRE(place->write(key));
    CHECK(read_file(path, 100).value().size() == 71);
    REQUIRE(place->keep(key));
  }
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600);
  CHECK(status.st_size == 71);
  CHECK(require_place(path).error().code == Errc::usage);
  CHECK(RecoveryPlace::open(path).error().code == Errc::usage);
  CHECK(read_file(path, 100).value().size() == 71);
}

TEST_CASE("a recovery key that no header has leaves no file") {
  const test::TemporaryFolder folder;
  const auto key = make_recovery_key().value();
  const std::string path = folder.file("key");
  {
    auto place = RecoveryPlace::open(path);
    REQUIRE(place);
    REQUIRE(place->write(key));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(RecoveryPlace::open(folder.file("no-folder/key")).error().code == Errc::not_found);
}

TEST_CASE("a program's exit status is told, and that there is none") {
  CHECK(run_program({"true"}).value() == 0);
  CHECK(run_program({"sh", "-c", "exit 7"}).value() == 7);
  CHECK(run_program({"sh", "-c", "kill -9 $$"}).value() == 137);
  CHECK(run_program({"attestd-no-such-program"}).error().code == Errc::not_found);
}
