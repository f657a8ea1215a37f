#include "luks/validate.h"

#include <linux/if_alg.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using luks::Expectation;
using test::volume;
using test::volume_size;

namespace {

// That of the tests' volume, whose PBKDF2 costs nothing.
Expectation expected() {
  Expectation out;
  out.kdf = luks::random_key_rule();
  return out;
}

// "code: text", one a line; a header that does not parse says so.
std::string objections(ByteView bytes, const Expectation& expectation) {
  const auto header = luks::parse_header(bytes, volume_size);
  if (!header) return "does not parse: " + header.error().text();
  std::string out;
  for (const luks::Objection& objection : luks::validate(*header, expectation)) {
    out += objection.code + ": " + objection.text + "\n";
  }
  return out;
}

struct Forgery {
  std::string from;
  std::string to;
  std::string_view objection;
};

constexpr std::string_view crypt = R"("encryption":"aes-xts-plain64","sector_size":4096)";

Forgery with_cipher(const std::string& encryption, std::string_view objection) {
  return {std::string(crypt), R"("encryption":")" + encryption + R"(","sector_size":4096)", objection};
}
Forgery with_area(const std::string& encryption, std::string_view objection) {
  return {R"("encryption":"aes-xts-plain64","key_size":64)", R"("encryption":")" + encryption + R"(","key_size":64)",
          objection};
}
Forgery with_kdf(const std::string& members, std::string_view objection) {
  const std::string json = test::json_of(volume());
  const std::size_t begin = json.find(R"("type":"pbkdf2","hash":"sha256","iterations":1000,"salt")");
  REQUIRE(begin != std::string::npos);
  return {json.substr(begin, json.find('}', begin) - begin), members, objection};
}

// cryptsetup takes it from the kernel, as every cipher that OpenSSL does not have.
bool kernel_has_null_cipher() {
  const UniqueFd fd(::socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  std::strcpy(reinterpret_cast<char*>(address.salg_type), "skcipher");
  std::strcpy(reinterpret_cast<char*>(address.salg_name), "ecb(cipher_null)");
  return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Wherever it is.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

const std::string salt = R"("salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")";

}  // namespace

TEST_CASE("volumes by cryptsetup are accepted as they are") {
  CHECK(objections(volume(), expected()) == "");
  const std::string argon = "--pbkdf-memory 65536 --pbkdf-force-iterations 4 --pbkdf-parallel 1 --pbkdf argon2";
  CHECK(objections(test::format_volume(argon + "id"), {}) == "");
  CHECK(objections(test::format_volume(argon + "i"), {}) == "");
  CHECK(objections(test::format_volume("--sector-size 512"), expected()) == "");
  CHECK(objections(test::format_volume("--hash sha512"), expected()) == "");
}

TEST_CASE("a passphrase that may be guessed needs a key derivation that costs") {
  CHECK_THAT(objections(volume(), {}), Catch::Contains("luks.kdf: keyslot 0 derives its key with 1000 iterations"));
  CHECK(objections(volume(), expected()) == "");
  CHECK_THAT(objections(test::format_volume("--pbkdf argon2id --pbkdf-memory 32768 --pbkdf-force-iterations 4 "
                                            "--pbkdf-parallel 1"),
                        {}),
             Catch::Contains("luks.kdf: keyslot 0 derives its key with 32768 KiB of Argon2"));
}

TEST_CASE("ciphers that were not asked for are refused") {
  CHECK_THAT(
      objections(test::format_volume("--cipher aes-cbc-essiv:sha256 --key-size 256"), expected()),
      Catch::Contains("luks.cipher: the data is encrypted with aes-cbc-essiv:sha256, expected is aes-xts-plain64"));
  // AES-128: two keys of 16 bytes.
  CHECK_THAT(objections(test::format_volume("--key-size 256"), expected()),
             Catch::Contains("luks.key-size: keyslot 0 keeps a volume key of 32 bytes"));
}

TEST_CASE("a rule cannot let a null cipher, ECB or a short key in") {
  Expectation careless = expected();
  careless.ciphers = {{"cipher_null-ecb", "", 64}, {"aes-ecb", "", 64}, {"aes-xts-plain64", "", 16}};
  for (const std::string cipher : {"cipher_null-ecb", "aes-ecb"}) {
    const Forgery forgery = with_cipher(cipher, "");
    CHECK_THAT(objections(test::forged(volume(), forgery.from, forgery.to), careless),
               Catch::Contains("luks.cipher: the data is encrypted with " + cipher + ", which hides nothing"));
  }
  const std::string json = replaced(test::json_of(volume()), R"("key_size":64)", R"("key_size":16)");
  CHECK_THAT(objections(test::with_json(volume(), json), careless), Catch::Contains("luks.key-size"));
}

TEST_CASE("authenticated ciphers are accepted where they are listed") {
  Expectation authenticated = expected();
  authenticated.ciphers = luks::authenticated_ciphers();
  const std::string from = R"("sector_size":4096)";
  const auto with_integrity = [&](const std::string& integrity, const std::string& journal, unsigned key_size) {
    std::string json =
        test::json_of(test::forged(volume(), from,
                                   from + R"(,"integrity":{"type":")" + integrity +
                                       R"(","journal_encryption":"none","journal_integrity":")" + journal + R"("})"));
    const std::string size = R"("type":"luks2","key_size":)";
    json = replaced(json, size + "64", size + std::to_string(key_size));
    json.replace(json.find("258048"), 6, "385024");
    json.replace(json.find("290816"), 6, "417792");
    json.replace(json.find("258048"), 6, "385024");
    return test::with_json(volume(), json);
  };
  CHECK(objections(with_integrity("hmac(sha256)", "none", 96), authenticated) == "");
  CHECK_THAT(objections(with_integrity("hmac(sha256)", "none", 64), authenticated), Catch::Contains("luks.key-size"));
  CHECK_THAT(objections(with_integrity("hmac(sha1)", "none", 84), authenticated), Catch::Contains("luks.cipher"));
  CHECK_THAT(objections(with_integrity("hmac(sha256)", "hmac(sha256)", 96), authenticated),
             Catch::Contains("luks.cipher: the journal of the integrity layer"));
  CHECK_THAT(objections(with_integrity("hmac(sha256)", "none", 96), expected()),
             Catch::Contains("luks.cipher: the data is encrypted with aes-xts-plain64 with hmac(sha256)"));
  // The cipher alone, without what was to authenticate it.
  CHECK_THAT(objections(volume(), authenticated), Catch::Contains("luks.cipher"));
}

TEST_CASE("each forgery is refused with its reason") {
  const std::vector<Forgery> forgeries = {
      with_cipher("cipher_null-ecb", "luks.cipher: the data is encrypted with cipher_null-ecb, which hides nothing"),
      with_cipher("null", "luks.cipher: the data is encrypted with null, which hides nothing"),
      with_cipher("capi:ecb(cipher_null)-plain", "luks.cipher"),
      with_cipher("capi:xts(aes)-plain64", "luks.cipher: the data is encrypted with capi:xts(aes)-plain64, expected"),
      with_cipher("aes-ecb", "luks.cipher"),
      with_cipher("aes-xts-plain", "luks.cipher"),
      with_cipher("AES-XTS-PLAIN64", "luks.cipher"),
      with_cipher("aes-xts-plain64:", "luks.cipher"),
      with_cipher("aes:64-xts-plain64", "luks.cipher"),
      {R"("sector_size":4096)", R"("sector_size":8192)", "luks.sector-size: the sectors have 8192 bytes"},
      {R"("sector_size":4096)", R"("sector_size":0)", "luks.sector-size"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"8")", "luks.segment: the segment's sectors are not numbered from 0"},
      {R"("size":"dynamic")", R"("size":"4096")", "luks.segment: the segment does not take the device to its end"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","flags":["x"])", "luks.segment: the segment has flags"},
      {R"("segments":{"0":{"type":"crypt")", R"("segments":{"0":{"type":"linear")",
       "luks.segment: segment 0 is of type linear"},
      {R"("segments":{"0":{"type":"crypt")", R"("segments":{"0":{"type":"hw-opal")",
       "luks.segment: segment 0 is of type hw-opal"},
      {R"("size":"dynamic")", R"("size":"1048576")", "luks.segment"},
      // Keyslots: what is not encrypted with the passphrase gives a key of the host's choice.
      with_area("cipher_null-ecb", "luks.keyslot-area: keyslot 0 is encrypted with cipher_null-ecb: any passphrase"),
      with_area("aes-ecb", "luks.keyslot-area"),
      with_area("capi:xts(aes)-plain64", "luks.keyslot-area"),
      with_area("twofish-xts-plain64", "luks.keyslot-area"),
      {R"("encryption":"aes-xts-plain64","key_size":64)", R"("encryption":"aes-xts-plain64","key_size":16)",
       "luks.keyslot-area: keyslot 0 is encrypted with a key of 16 bytes"},
      {R"("type":"raw")", R"("type":"none")", "luks.keyslot-area: keyslot 0 has an area of type none"},
      {R"("type":"luks2")", R"("type":"luks3")", "luks.keyslot: keyslot 0 is of type luks3"},
      {R"("stripes":4000)", R"("stripes":1)", "luks.keyslot: keyslot 0 is split with luks1, 1 stripes"},
      {R"("type":"luks1")", R"("type":"luks9")", "luks.keyslot: keyslot 0 is split with luks9"},
      {R"("stripes":4000,"hash":"sha256")", R"("stripes":4000,"hash":"md5")", "luks.keyslot: keyslot 0 is split with"},
      {R"("type":"luks2","key_size":64)", R"("type":"luks2","key_size":32)",
       "luks.key-size: keyslot 0 keeps a volume key of 32"},
      // What opening costs.
      with_kdf(R"("type":"pbkdf2","hash":"sha256","iterations":0,)" + salt,
               "luks.kdf: keyslot 0 derives its key with 0"),
      with_kdf(R"("type":"pbkdf2","hash":"sha256","iterations":4000000000,)" + salt, "luks.kdf"),
      with_kdf(R"("type":"pbkdf2","hash":"crc32","iterations":1000,)" + salt,
               "luks.kdf: keyslot 0 derives its key with crc32"),
      with_kdf(R"("type":"pbkdf2","hash":"sha256","iterations":1000,"salt":"AAAA")",
               "luks.kdf: keyslot 0 has a salt of 3"),
      with_kdf(R"("type":"argon2id","time":1,"memory":4294967295,"cpus":1,)" + salt, "4294967295 KiB of Argon2"),
      with_kdf(R"("type":"argon2id","time":4294967295,"memory":64,"cpus":1,)" + salt, "4294967295 passes of Argon2"),
      with_kdf(R"("type":"argon2id","time":1,"memory":64,"cpus":255,)" + salt, "255 threads of Argon2"),
      with_kdf(R"("type":"argon2id","time":1,"memory":64,"cpus":0,)" + salt, "0 threads of Argon2"),
      with_kdf(R"("type":"null","more":1)", "luks.kdf: keyslot 0 derives its key with null"),
      // The volume key's digest.
      {R"("digests":{"0":{"type":"pbkdf2")", R"("digests":{"0":{"type":"none")",
       "luks.key-digest: digest 0 is of type none"},
      {R"("segments":["0"])", R"("segments":[])", "luks.key-digest: the digest of the volume key is not bound"},
      {R"("keyslots":["0","1"])", R"("keyslots":["0"])", "luks.key-digest: keyslot 1 is bound to no digest"},
      {R"("digest":")", R"("digest":"AAAA)", "luks.key-digest: digest 0 or its salt is of the wrong size"},
      {R"("segments":["0"],"hash":"sha256")", R"("segments":["0"],"hash":"sha1")",
       "luks.key-digest: digest 0 is by sha1"},
      {R"("segments":["0"],"hash":"sha256")", R"("segments":["0"],"hash":"sha512")", "luks.key-digest"},
      {R"("segments":["0"],"hash":"sha256","iterations":1000)",
       R"("segments":["0"],"hash":"sha256","iterations":4000000000)", "luks.key-digest: digest 0 takes 4000000000"},
      {R"("digests":{)", R"("digests":{"1":{"type":"none","keyslots":[],"segments":[]},)",
       "luks.key-digest: there are 2 digests"},
      // What else cryptsetup would do.
      {R"("tokens":{})", R"("tokens":{"0":{"type":"luks2-keyring","keyslots":["0"],"key_description":"user:x"}})",
       "luks.token: token 0 is of type luks2-keyring"},
      {R"("tokens":{})", R"("tokens":{"0":{"type":"systemd-fido2","keyslots":["0"]}})", "luks.token"},
      {R"("tokens":{})", R"("tokens":{"0":{"type":"../../tmp/x","keyslots":["0"]}})", "luks.token"},
      {R"("tokens":{})", R"("tokens":{"0":{"type":"attestd","keyslots":["0"]}})", "luks.token: token 0 is malformed"},
      {R"("config":{)", R"("config":{"flags":["no-journal"],)",
       "luks.flag: the volume is to be activated with 'no-journal'"},
      {R"("config":{)", R"("config":{"flags":["\u001b[2J"],)",
       "luks.flag: the volume is to be activated with '\\x1b[2J'"},
  };
  for (const Forgery& forgery : forgeries) {
    CAPTURE(forgery.from, forgery.to);
    CHECK_THAT(objections(test::forged(volume(), forgery.from, forgery.to), expected()),
               Catch::Contains(std::string(forgery.objection)));
  }
}

TEST_CASE("a header with no keyslot is refused") {
  std::string json = test::json_of(volume());
  const std::size_t begin = json.find(R"("0":)");
  json.erase(begin, json.find(R"(},"tokens")") - begin);
  json.replace(json.find(R"("keyslots":["0","1"])"), 20, R"("keyslots":[])");
  CHECK_THAT(objections(test::with_json(volume(), json), expected()),
             Catch::Contains("luks.keyslot: there is no keyslot"));
}

TEST_CASE("a header that is fine but not the enrolled one is refused") {
  const auto header = luks::parse_header(volume(), volume_size);
  REQUIRE(header);
  Expectation enrolled = expected();
  enrolled.canonical_digest = header->canonical_digest;
  enrolled.uuid = header->primary.uuid;
  enrolled.data_offset = header->segments.front().offset;
  CHECK(objections(volume(), enrolled) == "");
  CHECK_THAT(objections(test::format_volume(), enrolled),
             Catch::Contains("luks.digest") && Catch::Contains("luks.uuid"));
  CHECK_THAT(objections(test::forged(volume(), R"("offset":"1048576")", R"("offset":"1052672")"), enrolled),
             Catch::Contains("luks.segment: the data starts at byte 1052672"));
  // Another passphrase changes what is stored, and so the header.
  CHECK_THAT(objections(test::forged(volume(), R"("iterations":1000)", R"("iterations":1001)"), enrolled),
             Catch::Contains("luks.digest"));
}

TEST_CASE("what is listed is accepted") {
  Expectation listed = expected();
  listed.token_types.emplace_back("luks2-keyring");
  listed.flags.emplace_back("no-journal");
  listed.ciphers.push_back({"capi:xts(aes)-plain64", "", 64});
  for (const Forgery& forgery :
       {Forgery{R"("tokens":{})",
                R"("tokens":{"0":{"type":"luks2-keyring","keyslots":["0"],"key_description":"user:x"}})", ""},
        Forgery{R"("config":{)", R"("config":{"flags":["no-journal","allow-discards"],)", ""},
        with_cipher("capi:xts(aes)-plain64", "")}) {
    CAPTURE(forgery.to);
    CHECK(objections(test::forged(volume(), forgery.from, forgery.to), listed) == "");
  }
}

// The attack that all of this is about, on the cryptsetup that is installed: the host's own
// volume key, in an area that is not encrypted, opens with the passphrase that the broker
// gives, and with any other.
TEST_CASE("cryptsetup opens a forged keyslot with any passphrase, and we refuse it") {
  const test::TemporaryFolder folder;
  const std::string key(64, 'k');
  const std::string master = folder.write("key", key);
  Bytes theirs = test::format_volume("--volume-key-file " + master);
  const std::string device = test::write_bytes(folder.file("volume"), theirs);
  REQUIRE_FALSE(test::opens(device, "any passphrase"));

  Bytes forged = test::forged(theirs, R"("encryption":"aes-xts-plain64","key_size":64)",
                              R"("encryption":"cipher_null-ecb","key_size":64)");
  std::ranges::copy(test::unencrypted_area(as_bytes(key)), forged.begin() + 2 * test::header_size);
  CHECK_THAT(objections(forged, expected()), Catch::Contains("luks.keyslot-area"));
  if (!kernel_has_null_cipher()) {
    WARN("skipped: this kernel has no null cipher, and so cryptsetup cannot fall for it");
    return;
  }
  test::write_bytes(device, forged);
  CHECK(test::opens(device, "any passphrase"));
  CHECK(test::opens(device, "any other"));
}

TEST_CASE("the first objection is the error") {
  const auto header = luks::parse_header(volume(), volume_size);
  REQUIRE(header);
  CHECK(luks::require_valid(*header, expected()));
  const auto refused = luks::require_valid(*header, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::refused);
  CHECK_THAT(refused.error().message, Catch::Contains("iterations of PBKDF2"));
}
