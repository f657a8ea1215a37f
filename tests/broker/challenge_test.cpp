#include "broker/challenge.h"

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd::broker {
namespace {

ChallengeKey key(char byte = 'k') {
  auto secret = SecretBytes::copy_of(as_bytes(std::string(32, byte)));
  REQUIRE(secret);
  return ChallengeKey(*std::move(secret));
}

Challenge one() {
  auto out = make_challenge(1000);
  REQUIRE(out);
  out->protocol = "kbs 0.4.0";
  out->tee = "snp";
  out->selector = "web";
  out->hash = "sha384";
  return *out;
}

}  // namespace

TEST_CASE("a challenge comes back as it was given") {
  const Challenge before = one();
  const auto token = key().seal(before);
  REQUIRE(token);
  CHECK(token->size() <= challenge_token_limit);
  const auto after = key().open(*token, 999);
  REQUIRE(after);
  CHECK(after->nonce == before.nonce);
  CHECK(after->expires_at == 1000);
  CHECK(after->protocol == "kbs 0.4.0");
  CHECK(after->tee == "snp");
  CHECK(after->selector == "web");
  CHECK(after->hash == "sha384");
}

TEST_CASE("two challenges have two nonces of 32 bytes") {
  CHECK(one().nonce.size() == challenge_nonce_size);
  CHECK(one().nonce != one().nonce);
}

TEST_CASE("a challenge that has expired is told apart from one that is not ours") {
  const auto token = key().seal(one());
  REQUIRE(token);
  CHECK(key().open(*token, 1000).error().code == Errc::expired);
  CHECK(key('x').open(*token, 999).error().code == Errc::mismatch);
}

TEST_CASE("a challenge that was changed in any bit is refused") {
  const auto token = key().seal(one());
  REQUIRE(token);
  const Bytes bytes = from_base64url(*token).value();
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    Bytes changed = bytes;
    changed[i / 8] ^= std::byte{1} << (i % 8);
    const auto opened = key().open(to_base64url(changed), 999);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::mismatch);
  }
}

TEST_CASE("what is no token at all is refused") {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("===="), std::string(600, 'A'), std::string(43, 'A')}) {
    CHECK(key().open(text, 0).error().code == Errc::mismatch);
  }
}

TEST_CASE("a name that is too long for a token is refused") {
  Challenge challenge = one();
  challenge.selector = std::string(65, 's');
  CHECK(key().seal(challenge).error().code == Errc::out_of_range);
}

}  // namespace attestd::broker
