#include "vtpm/signed_policy.h"

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vtpm/owner.h"

using namespace attestd;
using namespace attestd::test;
using vtpm::parse_signed_policies;

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a signed policy comes back from its encoding") {
  const Owner owner;
  const std::string json = owner.signatures({fresh_pcrs()});
  const auto policies = parse_signed_policies(json);
  REQUIRE(policies);
  REQUIRE(policies->size() == 1);
  CHECK(policies->front().pcrs == sealed_pcrs);
  CHECK(policies->front().values == fresh_pcrs());
  CHECK(vtpm::encode_signed_policies(*policies) == json);
}

TEST_CASE("a policy is signed for what a prediction says") {
  const Owner owner(KeyKind::rsa2048);
  PcrBank boot = fresh_pcrs();
  boot[11] = Bytes(32, std::byte{7});
  const std::string predicted = pcr_values_to_json({{HashAlgorithm::sha256, boot}});
  const auto json = vtpm::sign_prediction(owner.private_pem(), sealed_pcrs, predicted);
  REQUIRE(json);
  const auto key = vtpm::read_policy_key(owner.public_pem()).value();
  const auto policies = parse_signed_policies(*json).value();
  CHECK(vtpm::find_policy(policies, key, sealed_pcrs, boot));
  CHECK_FALSE(vtpm::find_policy(policies, key, sealed_pcrs, fresh_pcrs()));
  CHECK(code_of(vtpm::sign_prediction(owner.private_pem(), {9}, predicted)) == Errc::not_found);
  CHECK(code_of(vtpm::sign_prediction(owner.private_pem(), {}, predicted)) == Errc::usage);
}

TEST_CASE("the digests are systemd 252's and the TPM's") {
  // PCR 7 of zeros alone: what systemd-cryptenroll 252 writes as tpm2-policy-hash for it.
  CHECK(to_hex(vtpm::pcr_policy({7}, {{7, Bytes(32)}}).value()) ==
        "8b5682d81b29435d08d79278150611dc7e5923b2fefcce684a09577b40130a8b");
}

TEST_CASE("malformed signed policies are refused with their reason") {
  const Owner owner;
  const std::string good = owner.signatures({fresh_pcrs()});
  struct Change {
    std::string_view from;
    std::string_view to;
    std::string_view reason;
  };
  const std::vector<Change> changes = {
      {"\"sha256\"", "\"sha1\"", "sha256 is missing"},
      {"[4,7,11,12]", "[]", "empty"},
      {"[4,7,11,12]", "[4,4,11,12]", "twice"},
      {"[4,7,11,12]", "[4,7,11,24]", "something else than 0 to 23"},
      {"[4,7,11,12]", "[4,7,11,-1]", "something else than 0 to 23"},
      {"[4,7,11,12]", "[4,7,11]", "are not those of its"},
      {"\"pkfp\":\"", "\"pkfp\":\"00", "has not 32 bytes"},
      {"\"pkfp\":\"", "\"pkfp\":\"x", "sha256[].pkfp"},
      {"\"pol\":\"", "\"pol\":1,\"more\":\"", "pol is not a string"},
      {"\"sig\":\"", "\"sig\":\"\",\"more\":\"", "has not 1 to 512 bytes"},
      {"\"values\":{", "\"values\":{\"9\":\"", ""},
      {"\"12\":\"00", "\"12\":\"01", "are not those of its"},
      {"{\"sha256\":[", "{\"sha256\":[],\"sha256\":[", "twice"},
  };
  for (const Change& change : changes) {
    const auto parsed = parse_signed_policies(replaced(good, change.from, change.to));
    INFO(change.from << " to " << change.to);
    REQUIRE_FALSE(parsed);
    INFO(parsed.error().text());
    CHECK(parsed.error().text().find(change.reason) != std::string::npos);
  }
  CHECK(parse_signed_policies(std::string(vtpm::signatures_limit + 1, ' ')).error().code == Errc::out_of_range);
}

TEST_CASE("keys that a TPM cannot use are refused") {
  CHECK(code_of(vtpm::read_policy_key("")) == Errc::malformed);
  CHECK(code_of(vtpm::read_policy_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")) ==
        Errc::malformed);
  const Owner owner;
  CHECK(code_of(vtpm::read_policy_key(as_text(owner.private_pem().view()))) == Errc::malformed);
  CHECK(code_of(vtpm::sign_with(secret_of(owner.public_pem()), {})) == Errc::malformed);
}
