#include "luks/token.h"

#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using luks::parse_unlock_token;
using luks::UnlockMethod;
using luks::UnlockToken;

namespace {

const std::string broker =
    R"({"type":"attestd","keyslots":["0"],"attestd":{"version":1,"method":"broker","resource":"default/disk/root","generation":3}})";
const std::string vtpm =
    R"({"type":"attestd","keyslots":["0","2"],"attestd":{"version":1,"method":"vtpm","generation":0,"vtpm":)"
    R"({"blob":"AAEC","srk_name":"000b)" +
    std::string(64, 'c') + R"(","pcrs":[4,7,11,12],"policy_key":")" + std::string(64, 'd') +
    R"(","pin":false,"counter":{"index":"0x01800100","value":7,"next":"AwQ="}}}})";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string described(const std::string& type, const std::string& json) {
  luks::Token token;
  token.type = type;
  token.json = json;
  return luks::describe_token(token);
}

}  // namespace

TEST_CASE("a token comes back from its encoding") {
  for (const std::string& json : {broker, vtpm}) {
    const auto token = parse_unlock_token(json);
    REQUIRE(token);
    CHECK(luks::encode_unlock_token(*token) == json);
  }
  const auto token = parse_unlock_token(broker);
  CHECK(token->method == UnlockMethod::broker);
  CHECK(token->resource == "default/disk/root");
  CHECK(token->generation == 3);
  CHECK(token->keyslots == std::vector{0U});
}

TEST_CASE("a token of the vTPM's has what unseals the secret") {
  const auto token = parse_unlock_token(vtpm);
  REQUIRE(token);
  REQUIRE(token->vtpm);
  CHECK(token->vtpm->blob.size() == 3);
  CHECK(token->vtpm->srk_name.back() == std::byte{0xcc});
  CHECK(token->vtpm->pcrs == std::vector{4U, 7U, 11U, 12U});
  CHECK(token->vtpm->policy_key.front() == std::byte{0xdd});
  CHECK_FALSE(token->vtpm->pin);
  REQUIRE(token->vtpm->counter);
  CHECK(token->vtpm->counter->index == 0x01800100);
  CHECK(token->vtpm->counter->value == 7);
  CHECK(token->vtpm->counter->next.size() == 2);
}

TEST_CASE("a malformed token of the vTPM's is refused with its reason") {
  struct Change {
    std::string_view from;
    std::string_view to;
    std::string_view reason;
  };
  const std::vector<Change> changes = {
      {"\"vtpm\":{", "\"more\":{", "has a member 'more'"},
      {"\"generation\":0,", "\"generation\":0,\"resource\":\"a/b/c\",", "takes none"},
      {"\"method\":\"vtpm\"", "\"method\":\"broker\"", "takes none"},
      {"\"blob\":\"AAEC\",", "", "blob is missing"},
      {"\"AAEC\"", "\"\"", "has not 1 to 768 bytes"},
      {"\"AAEC\"", "\"AAE\"", "attestd.vtpm.blob"},
      {"000bcc", "000bCC", "68 hexadecimal digits"},
      {"000bcc", "000bcccc", "68 hexadecimal digits"},
      {"[4,7,11,12]", "[]", "names no PCR"},
      {"[4,7,11,12]", "[7,4]", "ascending"},
      {"[4,7,11,12]", "[4,4]", "ascending"},
      {"[4,7,11,12]", "[4,24]", "0 to 23"},
      {"[4,7,11,12]", "[-1]", "0 to 23"},
      {"[4,7,11,12]", "[\"4\"]", "0 to 23"},
      {"\"dddd", "\"dd", "64 hexadecimal digits"},
      {"\"pin\":false", "\"pin\":0", "not true or false"},
      {"\"pin\":false", "\"pin\":false,\"more\":1", "has a member 'more'"},
      {"0x01800100", "0x1800100", "not an NV index"},
      {"0x01800100", "0x02000000", "not an NV index"},
      {"0x01800100", "0x0180010G", "not an NV index"},
      {"\"value\":7", "\"value\":9007199254740991", "out of range"},
      {"\"value\":7", "\"value\":-1", "whole number"},
      {"\"AwQ=\"", "\"\"", "has not 1 to 768 bytes"},
      {"\"next\"", "\"more\"", "has a member 'more'"},
  };
  for (const Change& change : changes) {
    const auto parsed = parse_unlock_token(replaced(vtpm, change.from, change.to));
    INFO(change.from << " to " << change.to);
    REQUIRE_FALSE(parsed);
    INFO(parsed.error().text());
    CHECK(parsed.error().text().find(change.reason) != std::string::npos);
  }
}

TEST_CASE("a token that would not be read back is not encoded") {
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::broker, "", 1, std::nullopt}));
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::broker, "a/b", 1, std::nullopt}));
  const auto binding = parse_unlock_token(vtpm)->vtpm;
  CHECK(luks::encode_unlock_token({{0}, UnlockMethod::vtpm, "", 1, binding}));
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::vtpm, "", 1, std::nullopt}));
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::broker, "a/b/c", 1, binding}));
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::vtpm, "a/b/c", 1, binding}));
  CHECK_FALSE(luks::encode_unlock_token({{40}, UnlockMethod::vtpm, "", 1, binding}));
  CHECK_FALSE(luks::encode_unlock_token({{0}, UnlockMethod::vtpm, "", std::uint64_t{1} << 53U, binding}));
}

TEST_CASE("a malformed token is refused with its reason") {
  struct Change {
    std::string_view from;
    std::string_view to;
    std::string_view reason;
  };
  const std::vector<Change> changes = {
      {"\"attestd\",\"keyslots\"", "\"attest\",\"keyslots\"", "another type"},
      {"[\"0\"]", "[0]", "not an array of strings"},
      {"[\"0\"]", "[\"00\"]", "not a decimal number"},
      {"[\"0\"]", "[\"0\",\"0\"]", "twice"},
      {"\"keyslots\":[\"0\"],", "", "keyslots is missing"},
      {"\"keyslots\":[\"0\"],", "\"keyslots\":[\"0\"],\"more\":1,", "has a member 'more'"},
      {"\"version\":1", "\"version\":2,\"more\":1", "has version 2"},
      {"\"version\":1", "\"version\":\"1\"", "version is not a whole number"},
      {"\"version\":1,", "", "version is missing"},
      {"\"version\":1,", "\"version\":1,\"version\":1,", "twice"},
      {"\"version\":1,", "\"version\":1,\"more\":1,", "has a member 'more'"},
      {"\"broker\"", "\"passphrase\"", "neither broker nor vtpm"},
      {"\"broker\"", "\"vtpm\"", "takes none"},
      {"\"resource\":\"default/disk/root\",", "", "resource is missing"},
      {"default/disk/root", "default/disk", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "default/disk/root/more", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "default//root", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "default/../root", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "/default/disk/root", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "default/disk/a b", "REPOSITORY/TYPE/TAG"},
      {"default/disk/root", "default/disk/root\\u0000", "zero byte"},
      {"\"generation\":3", "\"generation\":-1", "not a whole number"},
      {"\"generation\":3", "\"generation\":9007199254740992", "out of range"},
      {",\"generation\":3", "", "generation is missing"},
  };
  for (const Change& change : changes) {
    CAPTURE(change.from, change.to);
    const auto token = parse_unlock_token(replaced(broker, change.from, change.to));
    CHECK_THAT(token ? "accepted" : token.error().text(), Catch::Contains(std::string(change.reason)));
  }
  CHECK_FALSE(parse_unlock_token(broker + std::string(luks::token_limit, ' ')));
  CHECK_FALSE(parse_unlock_token(broker + "x"));
  CHECK_FALSE(parse_unlock_token("[]"));
}

TEST_CASE("a token that cryptsetup imports is the one that was encoded") {
  const test::TemporaryFolder folder;
  const std::string device = test::write_bytes(folder.file("volume"), test::volume());
  const auto json = luks::encode_unlock_token({{1}, UnlockMethod::broker, "default/disk/root", 7, std::nullopt});
  REQUIRE(json);
  const test::Ran ran = test::shell("cryptsetup token import --disable-external-tokens " + device, *json);
  CHECK(ran.output == "");
  const auto header = luks::parse_header(test::read_bytes(device), test::volume_size);
  REQUIRE(header);
  REQUIRE(header->tokens.size() == 1);
  const auto token = parse_unlock_token(header->tokens.front().json);
  REQUIRE(token);
  CHECK(token->generation == 7);
  CHECK(token->keyslots == std::vector{1U});
  CHECK(luks::describe_token(header->tokens.front()) == "attestd: the broker's default/disk/root, generation 7");
}

TEST_CASE("tokens are described for people") {
  CHECK(described("attestd", vtpm) == "attestd: the vTPM, generation 0");
  CHECK(described("attestd", "{}") == "attestd: malformed");
  CHECK(described("attestd", "x") == "attestd: malformed");
  // As systemd-cryptenroll 252 writes it, without the blobs.
  CHECK(
      described(
          "systemd-tpm2",
          R"({"type":"systemd-tpm2","keyslots":["1"],"tpm2-blob":"","tpm2-pcrs":[7,11],"tpm2-pcr-bank":"sha256",)"
          R"("tpm2-primary-alg":"ecc","tpm2-policy-hash":"00","tpm2-pin":true,"tpm2_pubkey_pcrs":[11],"tpm2_pubkey":""})") ==
      "systemd-tpm2: sealed to the TPM, PCRs 7 11 (sha256), with a PIN, signed PCR policy");
  CHECK(described("systemd-tpm2", R"({"tpm2-pcrs":[]})") == "systemd-tpm2: sealed to the TPM, bound to no PCR");
  CHECK(described("systemd-fido2", R"({"fido2-rp":"io.systemd.cryptsetup"})") ==
        "systemd-fido2: a FIDO2 device, relying party \"io.systemd.cryptsetup\"");
  CHECK(described("systemd-pkcs11", R"({"pkcs11-uri":"pkcs11:a"})") ==
        "systemd-pkcs11: a PKCS#11 device, \"pkcs11:a\"");
  CHECK(described("systemd-recovery", "{}") == "systemd-recovery: a recovery key, typed by a person");
  CHECK(described("luks2-keyring", R"({"key_description":"user:x"})") ==
        "luks2-keyring: the kernel's keyring, \"user:x\"");
  CHECK(described("clevis", "{}") == "clevis: not known to us");
}

TEST_CASE("what a token says cannot drive a terminal") {
  CHECK(described("luks2-keyring", R"({"key_description":"\u001b[2J\n\u009b"})") ==
        "luks2-keyring: the kernel's keyring, \"\\x1b[2J\\x0a\\xc2\\x9b\"");
  CHECK(described("systemd-tpm2", R"({"tpm2-pcrs":["\u001b"]})").find('\x1b') == std::string::npos);
  CHECK(described("a\x1b", "{}") == "a\\x1b: not known to us");
}
