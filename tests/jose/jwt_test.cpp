#include "jose/jwt.h"

#include "base/encoding.h"
#include "base/openssl_internal.h"
#include "jose/ecdsa_internal.h"
#include "tests/catch.h"
#include "tests/jose/private_jwk.h"

using namespace attestd;

namespace {

SigningKey new_key() { return *SigningKey::from_pkcs8(make_signing_key()->view()); }

// PKCS#8 of any key.
Bytes pkcs8_of(const openssl::Key& key) {
  const openssl::Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> encoded(EVP_PKEY2PKCS8(key.get()));
  return openssl::to_der(i2d_PKCS8_PRIV_KEY_INFO, encoded.get());
}

constexpr std::string_view rfc7515_key =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";

std::string signed_token(const openssl::Key& key, std::string_view header, std::string_view claims) {
  std::string token = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
  const Bytes signature = *jws::es256_sign(key.get(), as_bytes(token));
  return token + "." + to_base64url(signature);
}

}  // namespace

TEST_CASE("the token of RFC 7515 appendix A.3 verifies") {
  const auto key = test::private_key(rfc7515_key);
  REQUIRE(key);
  const PublicJwk expected = *jwk_of(key->get(), "");
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "lfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const auto claims = verify_jwt(token, expected);
  REQUIRE(claims);
  CHECK(*claims == "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  CHECK(check_jwt_times(*claims, 1300819379).has_value());
  CHECK(check_jwt_times(*claims, 1300819380).error().code == Errc::expired);
}

TEST_CASE("claims come back as they were signed, with the key in the header") {
  const SigningKey key = new_key();
  const std::string claims = R"({ "iss" : "attest-brokerd","exp":4102444800})";
  const auto token = sign_jwt(claims, key);
  REQUIRE(token);
  const auto verified = verify_jwt(*token, key.public_jwk());
  REQUIRE(verified);
  CHECK(*verified == claims);
  const Bytes header = *from_base64url(token->substr(0, token->find('.')));
  const PublicJwk& jwk = key.public_jwk();
  CHECK(as_text(header) == R"({"alg":"ES256","typ":"JWT","jwk":{"alg":"ES256","crv":"P-256","kty":"EC","x":")" +
                               to_base64url(jwk.x) + R"(","y":")" + to_base64url(jwk.y) + R"("}})");
  // Signatures with a short R or S come out whole: one in 128 has one.
  for (int i = 0; i < 1000; ++i) REQUIRE(verify_jwt(*sign_jwt("{}", key), jwk).has_value());
}

TEST_CASE("a token by another key is refused, whatever key its header shows") {
  const SigningKey ours = new_key();
  const SigningKey other = new_key();
  const auto token = sign_jwt("{}", other);
  REQUIRE(token);
  const auto claims = verify_jwt(*token, ours.public_jwk());
  REQUIRE(!claims);
  CHECK(claims.error().code == Errc::mismatch);
}

TEST_CASE("a token with one bit flipped anywhere is refused") {
  const SigningKey key = new_key();
  const std::string token = *sign_jwt(R"({"a":1})", key);
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    std::string flipped = token;
    flipped[bit / 8] = static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ (1U << (bit % 8)));
    if (verify_jwt(flipped, key.public_jwk())) ++accepted;
  }
  for (std::size_t size = 0; size < token.size(); ++size) {
    if (verify_jwt(token.substr(0, size), key.public_jwk())) ++accepted;
  }
  CHECK(accepted == 0);
}

TEST_CASE("signed tokens of another kind are refused") {
  const auto key = test::private_key(rfc7515_key);
  REQUIRE(key);
  PublicJwk expected = *jwk_of(key->get(), "ES256");
  struct Case {
    std::string header, claims;
    Errc code;
  };
  for (const Case& one :
       {Case{R"({"alg":"none"})", "{}", Errc::unsupported}, Case{R"({"alg":"HS256"})", "{}", Errc::unsupported},
        Case{R"({"alg":"es256"})", "{}", Errc::unsupported}, Case{R"({"alg":["ES256"]})", "{}", Errc::malformed},
        Case{R"({"alg":"ES256","alg":"ES256"})", "{}", Errc::malformed},
        Case{R"({"typ":"JWT"})", "{}", Errc::not_found},
        Case{R"({"alg":"ES256","crit":["b64"],"b64":false})", "{}", Errc::unsupported},
        Case{R"("ES256")", "{}", Errc::malformed}, Case{R"({"alg":"ES256"})", "[]", Errc::malformed},
        Case{R"({"alg":"ES256"})", "", Errc::malformed},
        Case{R"({"alg":"ES256"})", R"({"a":1,"a":1})", Errc::malformed}}) {
    CAPTURE(one.header, one.claims);
    const auto claims = verify_jwt(signed_token(*key, one.header, one.claims), expected);
    REQUIRE(!claims);
    CHECK(claims.error().code == one.code);
  }
  const std::string good = signed_token(*key, R"({"alg":"ES256"})", "{}");
  REQUIRE(verify_jwt(good, expected).has_value());
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), good + ".", "." + good,
                                  good + "=", good + "AA", good.substr(0, good.rfind('.') + 1), " " + good}) {
    CHECK(!verify_jwt(text, expected));
  }
  // No signature at all is not one either (RFC 7515 section 4.1.1, "none").
  CHECK(verify_jwt(good.substr(0, good.rfind('.') + 1), expected).error().code == Errc::mismatch);
  CHECK(verify_jwt(good + std::string(jwt_max_size, 'A'), expected).error().code == Errc::out_of_range);
  expected.alg = "ECDH-ES+A256KW";
  CHECK(verify_jwt(good, expected).error().code == Errc::usage);
  PublicJwk other = DecryptionKey::make(JwkType::p384)->public_jwk();
  other.alg.clear();
  CHECK(verify_jwt(good, other).error().code == Errc::usage);
}

TEST_CASE("a signature of zeros is none") {
  const SigningKey key = new_key();
  const std::string token = *sign_jwt("{}", key);
  const std::string text = token.substr(0, token.rfind('.') + 1);
  CHECK(verify_jwt(text + to_base64url(Bytes(64)), key.public_jwk()).error().code == Errc::mismatch);
  CHECK(verify_jwt(text + to_base64url(Bytes(64, std::byte{0xff})), key.public_jwk()).error().code == Errc::mismatch);
}

TEST_CASE("claims that are no JSON object are not signed") {
  const SigningKey key = new_key();
  CHECK(sign_jwt("[]", key).error().code == Errc::malformed);
  CHECK(sign_jwt("{", key).error().code == Errc::malformed);
  CHECK(sign_jwt(R"({"a":1,"a":2})", key).error().code == Errc::malformed);
  const std::string largest = R"({"a":")" + std::string(jwt_max_claims - 8, 'a') + "\"}";
  REQUIRE(largest.size() == jwt_max_claims);
  CHECK(verify_jwt(*sign_jwt(largest, key), key.public_jwk()).has_value());
  CHECK(sign_jwt(largest + " ", key).error().code == Errc::out_of_range);
}

TEST_CASE("a signing key is PKCS#8 of a P-256 key and nothing else") {
  const auto der = make_signing_key();
  REQUIRE(der);
  const auto key = SigningKey::from_pkcs8(der->view());
  REQUIRE(key);
  CHECK(key->public_jwk().alg == "ES256");
  CHECK(SigningKey::from_pkcs8(der->view())->public_jwk().thumbprint() == key->public_jwk().thumbprint());
  CHECK(new_key().public_jwk().thumbprint() != key->public_jwk().thumbprint());

  for (std::size_t size = 0; size < der->size(); ++size) {
    CHECK(SigningKey::from_pkcs8(der->view().first(size)).error().code == Errc::malformed);
  }
  Bytes longer = to_bytes(der->view());
  longer.push_back(std::byte{0});
  CHECK(SigningKey::from_pkcs8(longer).error().code == Errc::malformed);
  CHECK(SigningKey::from_pkcs8(Bytes(5000)).error().code == Errc::malformed);
  for (const JwkType type : {JwkType::p384, JwkType::rsa}) {
    CHECK(SigningKey::from_pkcs8(pkcs8_of(DecryptionKey::make(type)->state().key)).error().code == Errc::unsupported);
  }
  // SEC 1 in DER, as `openssl ecparam -genkey` writes it.
  const openssl::Key ec(EVP_EC_gen("P-256"));
  CHECK(SigningKey::from_pkcs8(openssl::to_der(i2d_PrivateKey, ec.get())).error().code == Errc::malformed);
  // The private part of one key with the public part of another.
  Bytes mixed = pkcs8_of(ec);
  const Bytes other = pkcs8_of(openssl::Key(EVP_EC_gen("P-256")));
  REQUIRE(mixed.size() == other.size());
  std::copy(other.end() - 65, other.end(), mixed.end() - 65);
  CHECK(SigningKey::from_pkcs8(mixed).error().code == Errc::crypto);
}

TEST_CASE("a token has its time") {
  struct Case {
    std::string claims;
    std::int64_t now, leeway;
    std::string result;
  };
  for (const Case& one : {
           Case{R"({"exp":1000})", 999, 0, "ok"},
           Case{R"({"exp":1000})", 1000, 0, "expired"},
           Case{R"({"exp":1000})", 1000, 1, "ok"},
           Case{R"({"exp":1000})", 1001, 1, "expired"},
           Case{R"({"exp":1000,"nbf":500})", 500, 0, "ok"},
           Case{R"({"exp":1000,"nbf":500})", 499, 0, "expired"},
           Case{R"({"exp":1000,"nbf":500})", 499, 1, "ok"},
           Case{R"({"nbf":500})", 600, 0, "not-found"},
           Case{R"({"exp":"1000"})", 1, 0, "malformed"},
           Case{R"({"exp":1000.5})", 1, 0, "malformed"},
           Case{R"({"exp":1000,"nbf":null})", 1, 0, "malformed"},
           Case{R"({"exp":-1})", -2, 0, "out-of-range"},
           Case{R"({"exp":253402300799})", 1, 0, "ok"},
           Case{R"({"exp":253402300800})", 1, 0, "out-of-range"},
           Case{R"({"exp":1e30})", 1, 0, "malformed"},
           Case{"[]", 1, 0, "malformed"},
       }) {
    CAPTURE(one.claims, one.now, one.leeway);
    const auto checked = check_jwt_times(one.claims, one.now, one.leeway);
    CHECK((checked ? std::string("ok") : std::string(to_string(checked.error().code))) == one.result);
  }
}
