#include "jose/jwe.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/catch.h"
#include "tests/jose/jwe_text.h"
#include "tests/jose/private_jwk.h"

using namespace attestd;
using test::Agreed;
using test::agreed_jwe;
using test::JweText;

namespace {

const DecryptionKey& key_of(JwkType type) {
  static const DecryptionKey p256 = *DecryptionKey::make(JwkType::p256);
  static const DecryptionKey p384 = *DecryptionKey::make(JwkType::p384);
  static const DecryptionKey p521 = *DecryptionKey::make(JwkType::p521);
  static const DecryptionKey rsa = *DecryptionKey::make(JwkType::rsa);
  switch (type) {
    case JwkType::p256: return p256;
    case JwkType::p384: return p384;
    case JwkType::p521: return p521;
    case JwkType::rsa: break;
  }
  return rsa;
}

constexpr JwkType all_types[]{JwkType::p256, JwkType::p384, JwkType::p521, JwkType::rsa};

std::string member(const std::string& jwe, std::string_view name) {
  return std::string(boost::json::parse(jwe).as_object().at(name).as_string());
}

// What decryption gives: the plaintext, or the error's kind.
std::string result_of(const std::string& jwe, const DecryptionKey& key) {
  const auto plaintext = decrypt_jwe(jwe, key);
  return plaintext ? std::string(as_text(plaintext->view())) : std::string(to_string(plaintext.error().code));
}

}  // namespace

TEST_CASE("a secret comes back with the key that it was encrypted to, and no other") {
  for (const JwkType type : all_types) {
    const DecryptionKey& key = key_of(type);
    for (const std::string& secret : {std::string(), std::string("a"), std::string(100000, 's')}) {
      const auto jwe = encrypt_jwe(as_bytes(secret), key.public_jwk());
      REQUIRE(jwe);
      CHECK(result_of(*jwe, key) == secret);
    }
    const auto jwe = encrypt_jwe(as_bytes("secret"), key.public_jwk());
    REQUIRE(jwe);
    const auto other = DecryptionKey::make(type);
    REQUIRE(other);
    CHECK(result_of(*jwe, *other) == "mismatch");
    for (const JwkType wrong : all_types) {
      if (wrong != type) CHECK(result_of(*jwe, key_of(wrong)) == "unsupported");
    }
  }
}

TEST_CASE("no two JWEs of a secret share a key or an initialization vector") {
  const PublicJwk& recipient = key_of(JwkType::p256).public_jwk();
  const std::string first = *encrypt_jwe(as_bytes("secret"), recipient);
  const std::string second = *encrypt_jwe(as_bytes("secret"), recipient);
  for (const std::string_view name : {"protected", "encrypted_key", "iv", "ciphertext", "tag"}) {
    CHECK(member(first, name) != member(second, name));
  }
}

TEST_CASE("the protected header is the text that Trustee's guests put together again") {
  for (const JwkType type : all_types) {
    const std::string jwe = *encrypt_jwe(as_bytes("secret"), key_of(type).public_jwk());
    const Bytes header = *from_base64url(member(jwe, "protected"));
    if (type == JwkType::rsa) {
      CHECK(as_text(header) == R"({"alg":"RSA-OAEP-256","enc":"A256GCM"})");
      continue;
    }
    const auto value = boost::json::parse(as_text(header));
    const auto& epk = value.at("epk").as_object();
    const std::string text = R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":")" +
                             std::string(curve_name(type)) + R"(","kty":"EC","x":")" +
                             std::string(epk.at("x").as_string()) + R"(","y":")" +
                             std::string(epk.at("y").as_string()) + R"("}})";
    CHECK(as_text(header) == text);
    CHECK(from_base64url(std::string(epk.at("x").as_string()))->size() == coordinate_size(type));
  }
  CHECK(boost::json::parse(*encrypt_jwe({}, key_of(JwkType::rsa).public_jwk())).as_object().size() == 5);
}

TEST_CASE("an alg that does not fit the recipient's key is refused") {
  struct Case {
    JwkType type;
    std::string alg;
    Errc code;
  };
  for (const Case& one :
       {Case{JwkType::p256, "RSA-OAEP-256", Errc::unsupported}, Case{JwkType::p256, "ECDH-ES", Errc::unsupported},
        Case{JwkType::p256, "ecdh-es+a256kw", Errc::unsupported},
        Case{JwkType::rsa, "ECDH-ES+A256KW", Errc::unsupported}, Case{JwkType::rsa, "RSA-OAEP", Errc::unsupported},
        Case{JwkType::rsa, "RSA1_5", Errc::refused}}) {
    PublicJwk recipient = key_of(one.type).public_jwk();
    recipient.alg = one.alg;
    const auto jwe = encrypt_jwe(as_bytes("secret"), recipient);
    REQUIRE(!jwe);
    CHECK(jwe.error().code == one.code);
    if (one.alg == "RSA1_5") CHECK(jwe.error().message.find("RFC 8725") != std::string::npos);
  }
  PublicJwk recipient = key_of(JwkType::p256).public_jwk();
  recipient.alg.clear();
  CHECK(encrypt_jwe(as_bytes("secret"), recipient).has_value());
  std::swap(recipient.x, recipient.y);
  CHECK(encrypt_jwe(as_bytes("secret"), recipient).error().code == Errc::crypto);
}

TEST_CASE("RFC 7520 section 5.4 decrypts: P-384, A128KW, A128GCM") {
  const auto key = test::private_jwk(
      R"({"kty":"EC","kid":"peregrin.took@tuckborough.example","use":"enc","crv":"P-384",
          "x":"YU4rRUzdmVqmRtWOs2OpDE_T5fsNIodcG8G5FWPrTPMyxpzsSOGaQLpe2FpxBmu2",
          "y":"A8-yxCHxkfBz3hKZfI1jUYMjUhsEveZ9THuwFjH2sCNdtksRJU7D5-SkgaFL1ETP",
          "d":"iTx2pk7wW-GqJkHcEkFQb2EFyYcO7RugmaW3mRrQVAOUiPommT0IdnYK2xDlZh-j"})");
  REQUIRE(key);
  const std::string jwe =
      R"({"protected":"eyJhbGciOiJFQ0RILUVTK0ExMjhLVyIsImtpZCI6InBlcmVncmluLnRvb2tAdHVja2Jvcm91Z2guZXhhbXBsZSIsImVwayI6)"
      R"(eyJrdHkiOiJFQyIsImNydiI6IlAtMzg0IiwieCI6InVCbzRrSFB3Nmtiang1bDB4b3dyZF9vWXpCbWF6LUdLRlp1NHhBRkZrYllpV2d1dEVLNm)"
      R"(l1RURzUTZ3TmROZzMiLCJ5Ijoic3AzcDVTR2haVkMyZmFYdW1JLWU5SlUyTW84S3BvWXJGRHI1eVBOVnRXNFBnRXdaT3lRVEEtSmRhWTh0YjdF)"
      R"(MCJ9LCJlbmMiOiJBMTI4R0NNIn0","encrypted_key":"0DJjBXri_kBcC46IkU5_Jk9BqaQeHdv2","iv":"mH-G2zVqgztUtnW_",)"
      R"("ciphertext":"tkZuOO9h95OgHJmkkrfLBisku8rGf6nzVxhRM3sVOhXgz5NJ76oID7lpnAi_cPWJRCjSpAaUZ5dOR3Spy7QuEkmKx8-3RCMh)"
      R"(SYMzsXaEwDdXta9Mn5B7cCBoJKB0IgEnj_qfo1hIi-uEkUpOZ8aLTZGHfpl05jMwbKkTe2yK3mjF6SBAsgicQDVCkcY9BLluzx1RmC3ORXaM0J)"
      R"(aHPB93YcdSDGgpgBWMVrNU1ErkjcMqMoT_wtCex3w03XdLkjXIuEr2hWgeP-nkUZTPU9EoGSPj6fAS-bSz87RCPrxZdj_iVyC6QWcqAu07WNhj)"
      R"(zJEPc4jVntRJ6K53NgPQ5p99l3Z408OUqj4ioYezbS6vTPlQ","tag":"WuGzxmcreYjpHGJoa17EBg"})";
  const auto plaintext = decrypt_jwe(jwe, *key);
  REQUIRE(plaintext);
  CHECK(as_text(plaintext->view()).starts_with("You can trust us to stick with you"));
  CHECK(as_text(plaintext->view()).ends_with("We are your friends, Frodo."));
}

TEST_CASE("peers with other sizes, parties, blanks, data and members are understood") {
  const DecryptionKey& key = key_of(JwkType::p256);
  const Agreed cases[]{
      {},
      {.alg = "ECDH-ES+A128KW", .wrapping_key_size = 16, .enc = "A128GCM", .key_size = 16},
      {.alg = "ECDH-ES+A192KW", .wrapping_key_size = 24, .enc = "A192GCM", .key_size = 24},
      {.alg = "ECDH-ES+A128KW", .wrapping_key_size = 16},
      {.apu = "Alice", .apv = "Bob"},
      {.apu = "Alice"},
      {.aad = "c29tZSBkYXRh"},
      {.extra_header = R"(,"kid":"a key", "typ":"JOSE")"},
  };
  for (const Agreed& how : cases) {
    JweText jwe = agreed_jwe(key.public_jwk(), "secret", how);
    CHECK(result_of(jwe.json(), key) == "secret");
    jwe.extra = R"(,"unknown":[1, 2])";
    CHECK(result_of(jwe.json(), key) == "secret");
  }
}

TEST_CASE("additional data and parties are authenticated") {
  const DecryptionKey& key = key_of(JwkType::p256);
  const JweText good = agreed_jwe(key.public_jwk(), "secret", {.aad = "c29tZSBkYXRh"});
  JweText bad = good;
  bad.aad = "c29tZSBkYXRi";
  CHECK(result_of(bad.json(), key) == "mismatch");
  bad.aad.clear();
  CHECK(result_of(bad.json(), key) == "mismatch");
  bad = good;
  bad.aad += "!";
  CHECK(result_of(bad.json(), key) == "malformed");
  bad.aad.clear();
  bad.extra = R"(,"aad":"")";
  CHECK(result_of(bad.json(), key) == "out-of-range");
  // A header that is authenticated, over a key for other parties.
  JweText moved = agreed_jwe(key.public_jwk(), "secret", {.apu = "Alice"});
  const JweText other = agreed_jwe(key.public_jwk(), "secret", {.apu = "Malory"});
  moved.header = other.header;
  CHECK(result_of(moved.json(), key) == "mismatch");
}

TEST_CASE("a JWE with one bit flipped anywhere is refused") {
  for (const JwkType type : {JwkType::p256, JwkType::rsa}) {
    const DecryptionKey& key = key_of(type);
    JweText good;
    if (type == JwkType::p256) {
      good = agreed_jwe(key.public_jwk(), "key", {.aad = "ZGF0YQ"});
    } else {
      const auto content_key = jwe::random_key(32);
      good.header = R"({"alg":"RSA-OAEP-256","enc":"A256GCM"})";
      good.encrypted_key = *jwe::oaep_encrypt(key.state().key.get(), content_key->view());
      good.seal(content_key->view(), "key");
    }
    REQUIRE(result_of(good.json(), key) == "key");
    // Each bit of the text, names and punctuation too. An RSA operation is slow: a bit a byte.
    const std::string text = good.json();
    std::size_t accepted = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (unsigned bit = type == JwkType::rsa ? at % 8 : 0; bit < 8; bit += type == JwkType::rsa ? 8 : 1) {
        std::string flipped = text;
        flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
        if (decrypt_jwe(flipped, key)) ++accepted;
      }
    }
    CHECK(accepted == 0);
    // Each bit of the decoded members.
    for (Bytes JweText::* const part : {&JweText::encrypted_key, &JweText::iv, &JweText::ciphertext, &JweText::tag}) {
      const std::size_t step = type == JwkType::rsa && part == &JweText::encrypted_key ? 17 : 1;
      for (std::size_t bit = 0; bit < (good.*part).size() * 8; bit += step) {
        JweText flipped = good;
        (flipped.*part)[bit / 8] ^= std::byte{1} << (bit % 8);
        if (result_of(flipped.json(), key) != "mismatch") ++accepted;
      }
    }
    for (std::size_t bit = 0; bit < good.header.size() * 8; ++bit) {
      JweText flipped = good;
      flipped.header[bit / 8] =
          static_cast<char>(static_cast<unsigned char>(flipped.header[bit / 8]) ^ (1U << (bit % 8)));
      if (decrypt_jwe(flipped.json(), key)) ++accepted;
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("a JWE that ends early is refused at every length") {
  const DecryptionKey& key = key_of(JwkType::p256);
  const std::string jwe = *encrypt_jwe(as_bytes("secret"), key.public_jwk());
  for (std::size_t size = 0; size < jwe.size(); ++size) CHECK(!decrypt_jwe(jwe.substr(0, size), key));
  const JweText good = agreed_jwe(key.public_jwk(), "secret", {});
  for (Bytes JweText::* const part : {&JweText::encrypted_key, &JweText::iv, &JweText::ciphertext, &JweText::tag}) {
    for (std::size_t size = 0; size < (good.*part).size(); ++size) {
      JweText shorter = good;
      (shorter.*part).resize(size);
      CHECK(!decrypt_jwe(shorter.json(), key));
    }
    JweText longer = good;
    (longer.*part).push_back(std::byte{0});
    CHECK(!decrypt_jwe(longer.json(), key));
  }
}

TEST_CASE("whatever the key shows is one sentence") {
  const auto same = [](const JweText& text, const DecryptionKey& key) {
    const auto plaintext = decrypt_jwe(text.json(), key);
    return !plaintext && plaintext.error().code == Errc::mismatch && !plaintext.error().offset &&
           plaintext.error().message == "the JWE is not for this key, or it was altered";
  };
  const DecryptionKey& rsa = key_of(JwkType::rsa);
  EVP_PKEY* const native = rsa.state().key.get();
  const auto key = jwe::random_key(32);
  JweText good;
  good.header = R"({"alg":"RSA-OAEP-256","enc":"A256GCM"})";
  good.encrypted_key = *jwe::oaep_encrypt(native, key->view());
  good.seal(key->view(), "secret");
  REQUIRE(result_of(good.json(), rsa) == "secret");
  for (const Bytes& encrypted : {*jwe::oaep_encrypt(native, key->view().first(16)), *jwe::oaep_encrypt(native, {}),
                                 *jwe::oaep_encrypt(native, Bytes(32)), Bytes(384, std::byte{1}), Bytes(384),
                                 Bytes(384, std::byte{0xff}), Bytes(100, std::byte{1}), Bytes(385, std::byte{1})}) {
    JweText bad = good;
    bad.encrypted_key = encrypted;
    CHECK(same(bad, rsa));
  }
  const DecryptionKey& ec = key_of(JwkType::p256);
  const JweText agreed = agreed_jwe(ec.public_jwk(), "secret", {});
  for (const std::size_t size : {1U, 8U, 16U, 24U, 39U, 40U, 41U, 48U, 1024U}) {
    JweText bad = agreed;
    bad.encrypted_key = Bytes(size, std::byte{1});
    CHECK(same(bad, ec));
  }
  // A key that unwraps, of another size than its enc asks for.
  CHECK(same(agreed_jwe(ec.public_jwk(), "secret", {.enc = "A128GCM", .key_size = 32}), ec));
  JweText bad = agreed;
  bad.ciphertext[0] ^= std::byte{1};
  CHECK(same(bad, ec));
}

TEST_CASE("a header that asks for what we do not do is refused before the key is used") {
  const DecryptionKey& ec = key_of(JwkType::p256);
  const DecryptionKey& rsa = key_of(JwkType::rsa);
  const std::string epk = R"(,"epk":)" + ec.public_jwk().json();
  const auto on = [](JwkType type) { return R"(,"epk":)" + key_of(type).public_jwk().json(); };
  const std::string good = R"("alg":"ECDH-ES+A256KW","enc":"A256GCM")";
  const std::string zeros = to_base64url(Bytes(32));
  struct Case {
    const DecryptionKey* key;
    std::string header;
    Errc code;
  };
  const std::vector<Case> cases{
      {&ec, "", Errc::malformed},
      {&ec, "[]", Errc::malformed},
      {&ec, "{" + good + epk + "} ,", Errc::malformed},
      {&ec, "{" + good + epk + R"(,"alg":"ECDH-ES+A256KW"})", Errc::malformed},
      {&ec, R"({"enc":"A256GCM")" + epk + "}", Errc::not_found},
      {&ec, R"({"alg":"ECDH-ES+A256KW")" + epk + "}", Errc::not_found},
      {&ec, R"({"alg":1,"enc":"A256GCM")" + epk + "}", Errc::malformed},
      {&ec, R"({"alg":"none","enc":"A256GCM")" + epk + "}", Errc::unsupported},
      {&ec, R"({"alg":"dir","enc":"A256GCM")" + epk + "}", Errc::unsupported},
      {&ec, R"({"alg":"ECDH-ES","enc":"A256GCM")" + epk + "}", Errc::unsupported},
      {&ec, R"({"alg":"RSA-OAEP-256","enc":"A256GCM")" + epk + "}", Errc::unsupported},
      {&ec, R"({"alg":"ECDH-ES+A256KW","enc":"A256CBC-HS512")" + epk + "}", Errc::unsupported},
      {&ec, "{" + good + epk + R"(,"zip":"DEF"})", Errc::unsupported},
      {&ec, "{" + good + epk + R"(,"crit":["exp"],"exp":1})", Errc::unsupported},
      {&ec, "{" + good + epk + R"(,"crit":[]})", Errc::unsupported},
      {&ec, "{" + good + epk + R"(,"apu":1})", Errc::malformed},
      {&ec, "{" + good + epk + R"(,"apv":"A"})", Errc::malformed},
      {&ec, "{" + good + epk + R"(,"apv":")" + std::string(1368, 'A') + "\"}", Errc::out_of_range},
      {&ec, "{" + good + "}", Errc::not_found},
      {&ec, "{" + good + R"(,"epk":1})", Errc::malformed},
      {&ec, "{" + good + R"(,"epk":{}})", Errc::not_found},
      {&ec, "{" + good + on(JwkType::p384) + "}", Errc::unsupported},
      {&ec, "{" + good + on(JwkType::p521) + "}", Errc::unsupported},
      {&ec, "{" + good + on(JwkType::rsa) + "}", Errc::unsupported},
      {&ec, "{" + good + R"(,"epk":{"crv":"P-256","kty":"EC","x":")" + zeros + R"(","y":")" + zeros + R"("}})",
       Errc::crypto},
      {&ec,
       "{" + good + R"(,"epk":{"crv":"P-256","kty":"EC","x":")" + to_base64url(ec.public_jwk().y) + R"(","y":")" +
           to_base64url(ec.public_jwk().x) + R"("}})",
       Errc::crypto},
      {&ec, "{" + good + epk + R"(,"pad":")" + std::string(std::size_t{16} * 1024, 'a') + "\"}", Errc::out_of_range},
      {&rsa, R"({"alg":"RSA1_5","enc":"A256GCM"})", Errc::refused},
      {&rsa, R"({"alg":"RSA-OAEP","enc":"A256GCM"})", Errc::unsupported},
      {&rsa, "{" + good + epk + "}", Errc::unsupported},
      {&ec, R"({"alg":"RSA1_5","enc":"A256GCM"})", Errc::refused},
  };
  for (const Case& one : cases) {
    CAPTURE(one.header);
    JweText text = agreed_jwe(ec.public_jwk(), "secret", {});
    text.header = one.header;
    const auto plaintext = decrypt_jwe(text.json(), *one.key);
    REQUIRE(!plaintext);
    CHECK(plaintext.error().code == one.code);
  }
}

TEST_CASE("members that a flattened JWE has not, or in another shape, are refused") {
  const DecryptionKey& key = key_of(JwkType::p256);
  const JweText good = agreed_jwe(key.public_jwk(), "secret", {});
  // libjose puts epk there.
  for (const char* const extra :
       {R"(,"header":{})", R"(,"unprotected":{})", R"(,"recipients":[])", R"(,"header":{"epk":{}})"}) {
    JweText text = good;
    text.extra = extra;
    CHECK(result_of(text.json(), key) == "unsupported");
  }
  JweText text = good;
  text.extra = R"(,"tag":"AAAAAAAAAAAAAAAAAAAAAA")";
  CHECK(result_of(text.json(), key) == "malformed");
  CHECK(result_of("[]", key) == "malformed");
  CHECK(result_of("{}", key) == "not-found");
  for (const std::string name : {"protected", "encrypted_key", "iv", "ciphertext", "tag"}) {
    boost::json::object object = boost::json::parse(good.json()).as_object();
    object[name] = 1;
    CHECK(result_of(boost::json::serialize(object), key) == "malformed");
    object[name] = "*";
    CHECK(result_of(boost::json::serialize(object), key) == "malformed");
    object.erase(name);
    CHECK(result_of(boost::json::serialize(object), key) == "not-found");
  }
}

TEST_CASE("sizes are limited in both directions") {
  const DecryptionKey& key = key_of(JwkType::p256);
  const Bytes largest(jwe_max_plaintext, std::byte{1});
  const auto jwe = encrypt_jwe(largest, key.public_jwk());
  REQUIRE(jwe);
  CHECK(jwe->size() <= jwe_max_size);
  const auto plaintext = decrypt_jwe(*jwe, key);
  REQUIRE(plaintext);
  CHECK(plaintext->size() == largest.size());
  CHECK(encrypt_jwe(Bytes(jwe_max_plaintext + 1), key.public_jwk()).error().code == Errc::out_of_range);
  CHECK(result_of(std::string(jwe_max_size + 1, ' '), key) == "out-of-range");
  CHECK(result_of(agreed_jwe(key.public_jwk(), std::string(jwe_max_plaintext + 1, 'a'), {}).json(), key) ==
        "out-of-range");
}
