#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "jose/jwe.h"
#include "jose/jwe_crypto_internal.h"
#include "jose/jwk_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

struct WrappedKey {
  std::string header;  // JSON text
  Bytes encrypted_key;
};

std::string header_text(std::string_view alg, std::string_view ephemeral) {
  std::string out = R"({"alg":")";
  out.append(alg).append(R"(","enc":"A256GCM")");
  if (!ephemeral.empty()) out.append(R"(,"epk":)").append(ephemeral);
  return out + "}";
}

Result<WrappedKey> wrap_by_agreement(ByteView key, const PublicJwk& recipient) {
  ATTESTD_TRY(const openssl::Key peer, openssl_key(recipient));
  const openssl::Key ephemeral(EVP_EC_gen(curve_name(recipient.type)));
  if (!ephemeral) return openssl::failure("OpenSSL does not make a key");
  ATTESTD_TRY(const PublicJwk ephemeral_jwk, jwk_of(ephemeral.get(), {}));
  ATTESTD_TRY(const SecretBytes z, jwe::agree(ephemeral.get(), peer.get()));
  ATTESTD_TRY(const SecretBytes wrapping_key,
              jwe::concat_kdf(z.view(), jwe_alg_ecdh_es_a256kw, {}, {}, jwe::max_key_size));
  ATTESTD_TRY(Bytes encrypted_key, jwe::wrap_key(wrapping_key.view(), key));
  return WrappedKey{header_text(jwe_alg_ecdh_es_a256kw, ephemeral_jwk.json()), std::move(encrypted_key)};
}

Result<WrappedKey> wrap_by_rsa(ByteView key, const PublicJwk& recipient) {
  ATTESTD_TRY(const openssl::Key peer, openssl_key(recipient));
  ATTESTD_TRY(Bytes encrypted_key, jwe::oaep_encrypt(peer.get(), key));
  return WrappedKey{header_text(jwe_alg_rsa_oaep_256, {}), std::move(encrypted_key)};
}

// What the recipient asked for has to be what its key is good for.
Result<void> check_alg(const PublicJwk& recipient) {
  const bool rsa = recipient.type == JwkType::rsa;
  if (recipient.alg.empty() || recipient.alg == (rsa ? jwe_alg_rsa_oaep_256 : jwe_alg_ecdh_es_a256kw)) return {};
  if (recipient.alg == "RSA1_5") return jwe::refuse_rsa1_5();
  return fail(Errc::unsupported,
              "the key's alg is not " + std::string(rsa ? jwe_alg_rsa_oaep_256 : jwe_alg_ecdh_es_a256kw));
}

}  // namespace

Result<std::string> encrypt_jwe(ByteView plaintext, const PublicJwk& recipient) {
  if (plaintext.size() > jwe_max_plaintext) {
    return fail(Errc::out_of_range, "a secret has at most " + std::to_string(jwe_max_plaintext) + " bytes");
  }
  ATTESTD_CHECK(check_alg(recipient));
  ATTESTD_TRY(const SecretBytes key, jwe::random_key(jwe::max_key_size));
  ATTESTD_TRY(const WrappedKey wrapped, recipient.type == JwkType::rsa ? wrap_by_rsa(key.view(), recipient)
                                                                       : wrap_by_agreement(key.view(), recipient));
  const std::string header = to_base64url(as_bytes(wrapped.header));
  ATTESTD_TRY(const jwe::Sealed sealed, jwe::seal(key.view(), header, plaintext));
  return json::serialize(json::object{{"protected", header},
                                      {"encrypted_key", to_base64url(wrapped.encrypted_key)},
                                      {"iv", to_base64url(sealed.iv)},
                                      {"ciphertext", to_base64url(sealed.ciphertext)},
                                      {"tag", to_base64url(sealed.tag)}});
}

}  // namespace attestd
