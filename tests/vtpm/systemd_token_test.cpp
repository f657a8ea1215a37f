#include "vtpm/systemd_token.h"

#include "tests/catch.h"

using namespace attestd;
using vtpm::parse_systemd_token;

namespace {

const std::string plain =
    R"({"type":"systemd-tpm2","keyslots":["1"],"tpm2-blob":"AAEC","tpm2-pcrs":[7],"tpm2-pcr-bank":"sha256",)"
    R"("tpm2-primary-alg":"ecc","tpm2-policy-hash":")" +
    std::string(64, 'a') + R"(","tpm2-pin":false})";
const std::string with_key =
    plain.substr(0, plain.size() - 1) + R"(,"tpm2_pubkey_pcrs":[11],"tpm2_pubkey":"LS0tLS0="})";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a systemd-tpm2 token is read") {
  const auto token = parse_systemd_token(with_key);
  REQUIRE(token);
  CHECK(token->keyslots == std::vector{1U});
  CHECK(token->blob.size() == 3);
  CHECK(token->pcrs == std::vector{7U});
  CHECK(token->policy_hash == Bytes(32, std::byte{0xaa}));
  CHECK(token->signed_pcrs == std::vector{11U});
  CHECK(token->policy_key == "-----");
  CHECK_FALSE(token->pin);
  CHECK(parse_systemd_token(plain)->policy_key.empty());
  CHECK(parse_systemd_token(replaced(plain, "\"ecc\"", "\"rsa\""))->rsa_primary);
  // Written by systemd before 252.
  CHECK(parse_systemd_token(replaced(plain, ",\"tpm2-pin\":false", "")));
}

TEST_CASE("a systemd-tpm2 token that means something else is refused with its reason") {
  struct Change {
    std::string_view from;
    std::string_view to;
    std::string_view reason;
  };
  const std::vector<Change> changes = {
      {"systemd-tpm2", "systemd-fido2", "another type"},
      {"\"tpm2-pcrs\":[7]", "\"tpm2-pcrs\":[24]", "something else than 0 to 23"},
      {"\"tpm2-pcrs\":[7]", "\"tpm2-pcrs\":[7,7]", "twice"},
      {"\"tpm2-pcrs\":[7],", "", "tpm2-pcrs is missing"},
      {"\"sha256\"", "\"sha1\"", "bank is not sha256"},
      {"\"ecc\"", "\"dsa\"", "neither ecc nor rsa"},
      {"\"AAEC\"", "\"\"", "has not 1 to 768 bytes"},
      {"\"AAEC\"", "\"A\"", "tpm2-blob"},
      {"\"aaaa", "\"aa", "has not 32 bytes"},
      {"\"tpm2-pin\":false", "\"tpm2-pin\":0", "not true or false"},
      {"\"tpm2-pin\":false", "\"tpm2-pin\":false,\"tpm2_salt\":\"\"", "later than 252"},
      {"\"tpm2-pin\":false", "\"tpm2-pin\":false,\"tpm2_srk\":\"\"", "later than 252"},
      {"\"tpm2-pin\":false", "\"tpm2-pin\":false,\"more\":1", "has a member 'more'"},
      {"\"tpm2-pin\":false", "\"tpm2-pin\":false,\"tpm2-pin\":false", "twice"},
      {",\"tpm2_pubkey\":\"LS0tLS0=\"", "", "without PCRs, or the reverse"},
      {"\"tpm2_pubkey_pcrs\":[11]", "\"tpm2_pubkey_pcrs\":[]", "names no PCR"},
  };
  for (const Change& change : changes) {
    const auto parsed = parse_systemd_token(replaced(with_key, change.from, change.to));
    INFO(change.from << " to " << change.to);
    REQUIRE_FALSE(parsed);
    INFO(parsed.error().text());
    CHECK(parsed.error().text().find(change.reason) != std::string::npos);
  }
}
