#include "jose/jwk.h"

#include <set>

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;

namespace {

// RFC 7638 section 3.1
constexpr std::string_view rfc7638_modulus =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
    "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
    "kEgU8awapJzKnqDKgw";

// RFC 7515 appendix A.3
constexpr std::string_view x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

std::string ec(std::string_view curve, std::string_view first, std::string_view second) {
  return R"({"kty":"EC","crv":")" + std::string(curve) + R"(","x":")" + std::string(first) + R"(","y":")" +
         std::string(second) + R"("})";
}

std::string rsa(std::string_view modulus, std::string_view exponent) {
  return R"({"kty":"RSA","n":")" + std::string(modulus) + R"(","e":")" + std::string(exponent) + R"("})";
}

// An odd number of so many bits.
std::string modulus_of(std::size_t bits) {
  Bytes out((bits + 7) / 8, std::byte{0xff});
  out.front() = static_cast<std::byte>(0xffU >> (out.size() * 8 - bits));
  return to_base64url(out);
}

}  // namespace

TEST_CASE("the thumbprint of RFC 7638 section 3.1 comes out") {
  const auto key = parse_jwk(R"({"kty":"RSA","n":")" + std::string(rfc7638_modulus) +
                             R"(","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  REQUIRE(key);
  CHECK(to_base64url(key->thumbprint()) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST_CASE("a JWK is written with its members sorted and without blanks") {
  const auto plain = parse_jwk(R"( {"y":")" + std::string(y) + R"(", "x":")" + std::string(x) +
                               R"(", "use":"sig", "kty":"EC", "crv":"P-256"} )");
  REQUIRE(plain);
  CHECK(plain->json() ==
        R"({"crv":"P-256","kty":"EC","x":")" + std::string(x) + R"(","y":")" + std::string(y) + R"("})");
  PublicJwk named = *plain;
  named.alg = "ES256";
  CHECK(named.json() ==
        R"({"alg":"ES256","crv":"P-256","kty":"EC","x":")" + std::string(x) + R"(","y":")" + std::string(y) + R"("})");
  CHECK(named.thumbprint() == plain->thumbprint());
  const auto again = parse_jwk(named.json());
  REQUIRE(again);
  CHECK(again->alg == "ES256");
  const auto number = parse_jwk(rsa(rfc7638_modulus, "AQAB"));
  REQUIRE(number);
  CHECK(number->json() == R"({"e":"AQAB","kty":"RSA","n":")" + std::string(rfc7638_modulus) + R"("})");
}

TEST_CASE("an alg that would end its string does not") {
  const std::string hostile = R"({"alg":"a\",\"kty\":\"oct","kty":"EC","crv":"P-256","x":")" + std::string(x) +
                              R"(","y":")" + std::string(y) + R"("})";
  const auto key = parse_jwk(hostile);
  REQUIRE(key);
  const auto again = parse_jwk(key->json());
  REQUIRE(again);
  CHECK(again->alg == R"(a","kty":"oct)");
}

TEST_CASE("every key that we make is a JWK of the exact sizes, and another one each time") {
  struct Case {
    JwkType type;
    std::size_t coordinate;
  };
  for (const auto& [type, coordinate] :
       {Case{JwkType::p256, 32}, Case{JwkType::p384, 48}, Case{JwkType::p521, 66}, Case{JwkType::rsa, 0}}) {
    const auto key = DecryptionKey::make(type);
    REQUIRE(key);
    const PublicJwk& jwk = key->public_jwk();
    CHECK(jwk.type == type);
    CHECK(jwk.x.size() == coordinate);
    CHECK(jwk.y.size() == coordinate);
    CHECK(jwk.n.size() == (type == JwkType::rsa ? 384 : 0));
    CHECK(jwk.alg == (type == JwkType::rsa ? "RSA-OAEP-256" : "ECDH-ES+A256KW"));
    const auto again = parse_jwk(jwk.json());
    REQUIRE(again);
    CHECK(again->json() == jwk.json());
  }
  CHECK(DecryptionKey::make()->public_jwk().type == JwkType::p256);
  CHECK(DecryptionKey::make()->public_jwk().x != DecryptionKey::make()->public_jwk().x);
}

TEST_CASE("coordinates with leading zeros keep their size") {
  // One key in 128 has one in front of x or y.
  std::set<std::size_t> sizes;
  bool seen = false;
  for (int i = 0; i < 3000 && !seen; ++i) {
    const auto key = DecryptionKey::make();
    REQUIRE(key);
    const PublicJwk& jwk = key->public_jwk();
    sizes.insert({jwk.x.size(), jwk.y.size()});
    seen = jwk.x.front() == std::byte{0} || jwk.y.front() == std::byte{0};
    if (seen) CHECK(parse_jwk(jwk.json()).has_value());
  }
  CHECK(seen);
  CHECK(sizes == std::set<std::size_t>{32});
}

TEST_CASE("a JWK that is not as RFC 7518 section 6 has it is refused") {
  const std::string zero = to_base64url(Bytes(32));
  const std::string short_x = to_base64url(Bytes(31, std::byte{1}));
  const std::string long_x = to_base64url(Bytes(33, std::byte{1}));
  const std::string point = std::string(x) + R"(","y":")" + std::string(y) + R"("})";
  struct Case {
    std::string what, text;
    Errc code;
  };
  const std::vector<Case> cases{
      {"not JSON", "{", Errc::malformed},
      {"no object", "[]", Errc::malformed},
      {"a member twice", R"({"kty":"EC","kty":"EC"})", Errc::malformed},
      {"no kty", R"({"crv":"P-256","x":")" + point, Errc::not_found},
      {"kty of another type", R"({"kty":1,"crv":"P-256","x":")" + point, Errc::malformed},
      {"kty in another case", R"({"kty":"ec","crv":"P-256","x":")" + point, Errc::unsupported},
      {"a symmetric key", R"({"kty":"oct"})", Errc::unsupported},
      {"another family of curves", R"({"kty":"OKP","crv":"X25519","x":")" + zero + R"("})", Errc::unsupported},
      {"no crv", R"({"kty":"EC","x":")" + point, Errc::not_found},
      {"another curve", ec("secp256k1", x, y), Errc::unsupported},
      {"OpenSSL's name of a curve", ec("prime256v1", x, y), Errc::unsupported},
      {"no x", R"({"kty":"EC","crv":"P-256","y":")" + std::string(y) + R"("})", Errc::not_found},
      {"x too short", ec("P-256", short_x, y), Errc::out_of_range},
      {"x too long", ec("P-256", long_x, y), Errc::out_of_range},
      {"x padded", ec("P-256", std::string(x) + "=", y), Errc::malformed},
      {"x with stray bits", ec("P-256", std::string(x.substr(0, 42)) + "V", y), Errc::malformed},
      {"a P-256 point for P-384", ec("P-384", x, y), Errc::out_of_range},
      {"a point off the curve", ec("P-256", y, x), Errc::crypto},
      {"the point at infinity", ec("P-256", zero, zero), Errc::crypto},
      {"x of the field's size", ec("P-256", to_base64url(Bytes(32, std::byte{0xff})), y), Errc::crypto},
      {"an EC private key", R"({"d":"AQ","kty":"EC","crv":"P-256","x":")" + point, Errc::refused},
      {"a key that is secret", R"({"kty":"oct","k":"AQ"})", Errc::refused},
      {"alg of another type", R"({"alg":1,"kty":"EC","crv":"P-256","x":")" + point, Errc::malformed},
      {"an alg without end", R"({"alg":")" + std::string(65, 'a') + R"(","kty":"EC","crv":"P-256","x":")" + point,
       Errc::out_of_range},
      {"RSA without n", R"({"kty":"RSA","e":"AQAB"})", Errc::not_found},
      {"RSA without e", R"({"kty":"RSA","n":")" + modulus_of(2048) + R"("})", Errc::not_found},
      {"RSA of 2047 bits", rsa(modulus_of(2047), "AQAB"), Errc::out_of_range},
      {"RSA of 8193 bits", rsa(modulus_of(8193), "AQAB"), Errc::out_of_range},
      {"RSA with leading zeros", rsa("AA" + modulus_of(2048), "AQAB"), Errc::malformed},
      {"an even modulus", rsa(to_base64url(Bytes(256, std::byte{0xfe})), "AQAB"), Errc::malformed},
      {"exponent 3", rsa(modulus_of(2048), "Aw"), Errc::out_of_range},
      {"exponent 1", rsa(modulus_of(2048), "AQ"), Errc::out_of_range},
      {"an even exponent", rsa(modulus_of(2048), "AQAC"), Errc::out_of_range},
      {"an exponent with leading zeros", rsa(modulus_of(2048), "AAEAAQ"), Errc::malformed},
      {"an exponent of nine bytes", rsa(modulus_of(2048), to_base64url(Bytes(9, std::byte{1}))), Errc::out_of_range},
      {"over 16 KiB", ec("P-256", x, y) + std::string(jwk_max_size, ' '), Errc::out_of_range},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const auto key = parse_jwk(one.text);
    REQUIRE(!key);
    CHECK(key.error().code == one.code);
  }
}

TEST_CASE("RSA keys of 2048 and of 8192 bits are taken") {
  for (const std::size_t bits : {2048U, 8192U}) CHECK(parse_jwk(rsa(modulus_of(bits), "AQAB")).has_value());
  CHECK(parse_jwk(rsa(modulus_of(2049), to_base64url(Bytes(8, std::byte{0xff})))).has_value());
}
