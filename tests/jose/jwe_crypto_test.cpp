// The primitives, against the RFCs' own examples.
#include "base/encoding.h"
#include "jose/jwe_crypto_internal.h"
#include "tests/catch.h"
#include "tests/jose/private_jwk.h"

using namespace attestd;

namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }
Bytes base64url(std::string_view text) { return *from_base64url(text); }

// RFC 7520 section 5, figure 72
constexpr std::string_view cookbook_plaintext =
    "You can trust us to stick with you through thick and thin\xe2\x80\x93to the bitter end. And you can trust us to "
    "keep "
    "any secret of yours\xe2\x80\x93"
    "closer than you keep it yourself. But you cannot trust us to let you face trouble alone, and go off without a "
    "word. "
    "We are your friends, Frodo.";

}  // namespace

TEST_CASE("ECDH and its KDF give what RFC 7518 appendix C has") {
  const auto alice = test::private_key(
      R"({"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
          "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"})");
  const auto bob = test::private_key(
      R"({"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
          "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"})");
  REQUIRE(alice);
  REQUIRE(bob);
  const auto z = jwe::agree(alice->get(), bob->get());
  REQUIRE(z);
  CHECK(to_hex(z->view()) == "9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4");
  const auto same = jwe::agree(bob->get(), alice->get());
  REQUIRE(same);
  CHECK(to_hex(same->view()) == to_hex(z->view()));
  const auto key = jwe::concat_kdf(z->view(), "A128GCM", as_bytes("Alice"), as_bytes("Bob"), 16);
  REQUIRE(key);
  CHECK(to_base64url(key->view()) == "VqqN6vgjbSBcIijNcacQGg");
}

TEST_CASE("keys are wrapped and unwrapped as RFC 3394 section 4 has it") {
  struct Case {
    std::string_view wrapping_key, key, wrapped;
  };
  constexpr std::string_view kek = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  constexpr std::string_view data = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f";
  const Case cases[]{
      {kek.substr(0, 32), data.substr(0, 32), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
      {kek.substr(0, 48), data.substr(0, 32), "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
      {kek, data.substr(0, 32), "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
      {kek.substr(0, 48), data.substr(0, 48), "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
      {kek, data.substr(0, 48), "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
      {kek, data, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
  };
  for (const Case& one : cases) {
    const auto wrapped = jwe::wrap_key(hex(one.wrapping_key), hex(one.key));
    REQUIRE(wrapped);
    CHECK(to_hex(*wrapped) == one.wrapped);
    const auto key = jwe::unwrap_key(hex(one.wrapping_key), *wrapped);
    REQUIRE(key);
    CHECK(to_hex(key->view()) == one.key);
    for (std::size_t bit = 0; bit < wrapped->size() * 8; ++bit) {
      Bytes flipped = *wrapped;
      flipped[bit / 8] ^= std::byte{1} << (bit % 8);
      const auto nothing = jwe::unwrap_key(hex(one.wrapping_key), flipped);
      REQUIRE(!nothing);
      CHECK(nothing.error().code == Errc::mismatch);
    }
    for (std::size_t size = 0; size < wrapped->size(); ++size) {
      CHECK(!jwe::unwrap_key(hex(one.wrapping_key), ByteView(*wrapped).first(size)));
    }
  }
  CHECK(!jwe::wrap_key(Bytes(15), Bytes(16)));
  CHECK(!jwe::unwrap_key(Bytes(15), Bytes(24)));
}

TEST_CASE("the contents of RFC 7520 sections 5.8 and 5.10 come out") {
  const Bytes wrapping_key = base64url("GZy6sIZ6wl9NJOKB-jnmVQ");
  const std::string header =
      "eyJhbGciOiJBMTI4S1ciLCJraWQiOiI4MWIyMDk2NS04MzMyLTQzZDktYTQ2OC04MjE2MGFkOTFhYzgiLCJlbmMiOiJBMTI4R0NNIn0";
  struct Case {
    std::string_view wrapped, iv, ciphertext, tag;
    std::string aad;
  };
  const Case cases[]{
      {"CBI6oDw8MydIx1IBntf_lQcw2MmJKIQx", "Qx0pmsDa8KnJc9Jo",
       "AwliP-"
       "KmWgsZ37BvzCefNen6VTbRK3QMA4TkvRkH0tP1bTdhtFJgJxeVmJkLD61A1hnWGetdg11c9ADsnWgL56NyxwSYjU1ZEHcGkd3EkU0vjHi9"
       "gTlb90qSYFfeF0LwkcTtjbYKCsiNJQkcIp1yeM03OmuiYSoYJVSpf7ej6zaYcMv3WwdxDFl8REwOhNImk2Xld2JXq6BR53TSFkyT7PwVLuq-"
       "1Gwt"
       "GHlQeg7gDT6xW0JqHDPn_H-puQsmthc9Zg0ojmJfqqFvETUxLAF-KjcBTS5dNy6egwkYtOt8EIHK-"
       "oEsKYtZRaa8Z7MOZ7UGxGIMvEmxrGCPeJa1"
       "4slv2-gaqK0kEThkaSqdYw0FkQZF",
       "ER7MWJZ1FBI_NKvn7Zb1Lw", header},
      {"4YiiQ_ZzH76TaIkJmYfRFgOV9MIpnx4X", "veCx9ece2orS7c_N",
       "Z_3cbr0k3bVM6N3oSNmHz7Lyf3iPppGf3Pj17wNZqteJ0Ui8p74SchQP8xygM1oFRWCNzeIa6s6BcEtp8qEFiqTUEyiNkOWDNoF14T_4NFqF-"
       "p2M"
       "x8zkbKxI7oPK8KNarFbyxIDvICNqBLba-v3uzXBdB89fzOI-Lv4PjOFAQGHrgv1rjXAmKbgkft9cB4WeyZw8MldbBhc-V_KWZslrsLNygon_"
       "JJWd"
       "_ek6LQn5NRehvApqf9ZrxB4aq3FXBxOxCys35PhCdaggy2kfUfl2OkwKnWUbgXVD1C6HxLIlqHhCwXDG59weHrRDQeHyMRoBljoV3X_"
       "bUTJDnKBF"
       "Ood7nLz-cj48JMx3SnCZTpbQAkFV",
       "vOaH_Rajnpy_3hOtqvZHRA",
       header + ".WyJ2Y2FyZCIsW1sidmVyc2lvbiIse30sInRleHQiLCI0LjAiXSxbImZuIix7fSwidGV4dCIsIk1lcmlhZG9jIEJyYW5keWJ1Y2siX"
                "SxbIm4iL"
                "Ht9LCJ0ZXh0IixbIkJyYW5keWJ1Y2siLCJNZXJpYWRvYyIsIk1yLiIsIiJdXSxbImJkYXkiLHt9LCJ0ZXh0IiwiVEEgMjk4MiJdLFs"
                "iZ2VuZGV"
                "yIix7fSwidGV4dCIsIk0iXV1d"},
  };
  for (const Case& one : cases) {
    const auto key = jwe::unwrap_key(wrapping_key, base64url(one.wrapped));
    REQUIRE(key);
    const jwe::Sealed sealed{base64url(one.iv), base64url(one.ciphertext), base64url(one.tag)};
    const auto plaintext = jwe::open(key->view(), one.aad, sealed);
    REQUIRE(plaintext);
    CHECK(as_text(plaintext->view()) == cookbook_plaintext);
    CHECK(!jwe::open(key->view(), one.aad + "A", sealed));
  }
}

TEST_CASE("what is sealed opens with its key, data and whole tag only") {
  for (const std::size_t size : {16U, 24U, 32U}) {
    const auto key = jwe::random_key(size);
    REQUIRE(key);
    for (const std::string_view text : {"", "a", "sixteen bytes at", "something that is longer than one block"}) {
      const auto sealed = jwe::seal(key->view(), "data", as_bytes(text));
      REQUIRE(sealed);
      const auto opened = jwe::open(key->view(), "data", *sealed);
      REQUIRE(opened);
      CHECK(as_text(opened->view()) == text);
      CHECK(!jwe::open(key->view(), "date", *sealed));
      const auto other = jwe::random_key(size);
      REQUIRE(other);
      CHECK(!jwe::open(other->view(), "data", *sealed));
      jwe::Sealed shorter = *sealed;
      shorter.tag.resize(15);
      CHECK(!jwe::open(key->view(), "data", shorter));
    }
  }
  CHECK(!jwe::seal(Bytes(17), "data", {}));
}
