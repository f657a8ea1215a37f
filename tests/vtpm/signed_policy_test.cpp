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

TEST_CASE("what systemd-measure signed is found good") {
  // systemd 252: systemd-measure sign --linux=… --phase=enter-initrd, with a key that was made for this test.
  constexpr std::string_view pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlenbULWcyNJBnwcX+H57\n"
      "Ve8VvFfU1NXnXMTDZZfqJ/F3/gF5wNvBDbmC9kxpjCPPxFgejhh3gMqkjdKGOVM2\n"
      "/ApRCf9MKFAkNNpfWYb6kLFDS/F9YNeeD3osKNhvq7HdK5leHoazj+KpdQN7siXQ\n"
      "eSP8FHW+2pim6zTj5Eb1I0+MiRoud/1F2nFJIwqwiDX3bTwGVNWsBDEuLfpStz9g\n"
      "Zux/CPYdFbSGIaJQRaH9BZ/lq9ncCvZTPXUV8iIjyc7WdcFVqSWBn4nPyNwlO9C4\n"
      "ZXgJaK3bdj3vk9XY9tlBv16wPHmmYMqokgRpc3HHmJiwjZrgy1AYw73zLZxNqvqM\n"
      "mQIDAQAB\n"
      "-----END PUBLIC KEY-----\n";
  constexpr std::string_view json =
      R"({"sha256":[{"pcrs":[11],"pkfp":"db8edacc50c160f407991f19ec84597548af2ae2701f69d9912de5b4370c7117","pol":"d15c62e22105b4f45efbc2de1ad7aa26dc0434c5d83404b08f50332ac4bedacb","sig":"S+F3HhTQ7jiNYnvMiVlfnDuNjOHfl7adK1UfW4Bus85s/zey4aMkOzpi3Y01wJwFRixBX+1rO3XRWStm/Qui8PhGQKKaHqoV1LPKn0bETLfCXXeoQ42ckEp+iufXruc8EEQ8COPt2hIy7g4oezzUbySpKN6IBhXdWe3rwGJfTX5yf8mAmb7nrfJ+2g8X2PXI3IwmiMSJF6uNPCIgvOcEg7WO8cUOBvfaeQsc8S9JJj6HvPEygZHYCaYmuSueOQI8YPYhZbCfON2bOhewAHAaA5AyuooD3+FTKoWe0H5SUWVqCbTwP9zPNswCe0q6Vqux39nYLRsU0+tril7PnaW3dw=="}]})";
  const auto key = vtpm::read_policy_key(pem).value();
  const auto policies = parse_signed_policies(json).value();
  REQUIRE(policies.size() == 1);
  CHECK(policies.front().key == key.fingerprint);
  CHECK(vtpm::check_signature(key, policies.front().policy, policies.front().signature));
}

TEST_CASE("one more policy leaves the others as they are") {
  const Owner owner;
  const auto signed_for = [&](unsigned char value) {
    PcrBank boot = fresh_pcrs();
    boot[11] = Bytes(32, std::byte{value});
    return vtpm::sign_pcr_policy(owner.private_pem(), sealed_pcrs, boot).value();
  };
  const std::string first = vtpm::add_signed_policy("", signed_for(1)).value();
  CHECK(parse_signed_policies(first).value().size() == 1);
  const std::string second = vtpm::add_signed_policy(first, signed_for(2)).value();
  CHECK(parse_signed_policies(second).value().size() == 2);
  CHECK(parse_signed_policies(vtpm::add_signed_policy(second, signed_for(1)).value()).value().size() == 2);
  const std::string other = vtpm::add_signed_policy(R"({"sha1":[{"pcrs":[1]}]})", signed_for(1)).value();
  CHECK(other.find(R"("sha1":[{"pcrs":[1]}])") != std::string::npos);
  CHECK(parse_signed_policies(other).value().size() == 1);
  CHECK(code_of(vtpm::add_signed_policy("[]", signed_for(1))) == Errc::malformed);
  CHECK(code_of(vtpm::add_signed_policy(R"({"sha256":1})", signed_for(1))) == Errc::malformed);
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
