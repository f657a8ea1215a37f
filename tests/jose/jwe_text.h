// A JWE in parts, so that a test can put any of them in wrong.
#pragma once

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "jose/jwe_crypto_internal.h"
#include "jose/jwk_internal.h"

namespace attestd::test {

struct JweText {
  std::string header;  // JSON text of the protected header
  Bytes encrypted_key, iv, ciphertext, tag;
  std::string aad;    // base64url text, or none
  std::string extra;  // more members, with a comma in front

  [[nodiscard]] std::string json() const {
    std::string out = R"({"protected":")" + to_base64url(as_bytes(header)) + R"(","encrypted_key":")" +
                      to_base64url(encrypted_key) + R"(","iv":")" + to_base64url(iv) + R"(","ciphertext":")" +
                      to_base64url(ciphertext) + R"(","tag":")" + to_base64url(tag) + '"';
    if (!aad.empty()) out += R"(,"aad":")" + aad + '"';
    return out + extra + "}";
  }

  // Encrypts under `key`, with the header and aad that are there.
  void seal(ByteView key, std::string_view plaintext) {
    std::string authenticated = to_base64url(as_bytes(header));
    if (!aad.empty()) authenticated += "." + aad;
    const auto sealed = jwe::seal(key, authenticated, as_bytes(plaintext));
    iv = sealed->iv;
    ciphertext = sealed->ciphertext;
    tag = sealed->tag;
  }
};

struct Agreed {
  std::string alg = "ECDH-ES+A256KW";
  std::size_t wrapping_key_size = 32;
  std::string enc = "A256GCM";
  std::size_t key_size = 32;
  std::string apu, apv;           // as bytes
  std::string aad;                // base64url text
  std::string extra_header = "";  // more members, with a comma in front
};
// By ECDH-ES to `recipient`, as a peer with other habits than ours would write it.
inline JweText agreed_jwe(const PublicJwk& recipient, std::string_view plaintext, const Agreed& how) {
  const openssl::Key peer = *openssl_key(recipient);
  const openssl::Key own(EVP_EC_gen(curve_name(recipient.type)));
  const auto z = jwe::agree(own.get(), peer.get());
  const auto wrapping_key =
      jwe::concat_kdf(z->view(), how.alg, as_bytes(how.apu), as_bytes(how.apv), how.wrapping_key_size);
  const auto key = jwe::random_key(how.key_size);
  JweText out;
  out.aad = how.aad;
  out.header = R"({ "enc":")" + how.enc + R"(", "epk":)" + jwk_of(own.get(), "")->json() + how.extra_header;
  if (!how.apu.empty()) out.header += R"(,"apu":")" + to_base64url(as_bytes(how.apu)) + '"';
  if (!how.apv.empty()) out.header += R"(,"apv":")" + to_base64url(as_bytes(how.apv)) + '"';
  out.header += R"(,"alg":")" + how.alg + "\"}";
  out.encrypted_key = *jwe::wrap_key(wrapping_key->view(), key->view());
  out.seal(key->view(), plaintext);
  return out;
}

}  // namespace attestd::test
