#include <openssl/rsa.h>

#include <string_view>
#include <utility>

#include "jose/jwe.h"
#include "jose/jwk_internal.h"

namespace attestd {
namespace {

constexpr unsigned rsa_bits = 3072;  // as strong as P-256: SP 800-57 part 1 rev. 5 table 2

}  // namespace

Result<DecryptionKey> decryption_key(openssl::Key key) {
  const bool rsa = EVP_PKEY_is_a(key.get(), "RSA") == 1;
  ATTESTD_TRY(PublicJwk jwk, jwk_of(key.get(), std::string(rsa ? jwe_alg_rsa_oaep_256 : jwe_alg_ecdh_es_a256kw)));
  auto state = std::make_unique<DecryptionKey::State>();
  state->key = std::move(key);
  state->public_jwk = std::move(jwk);
  return DecryptionKey(std::move(state));
}

Result<DecryptionKey> DecryptionKey::make(JwkType type) {
  openssl::Key key(type == JwkType::rsa ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen(curve_name(type)));
  if (!key) return openssl::failure("OpenSSL does not make a key");
  return decryption_key(std::move(key));
}

DecryptionKey::DecryptionKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
DecryptionKey::DecryptionKey(DecryptionKey&& other) noexcept = default;
DecryptionKey& DecryptionKey::operator=(DecryptionKey&& other) noexcept = default;
DecryptionKey::~DecryptionKey() = default;

const PublicJwk& DecryptionKey::public_jwk() const { return state_->public_jwk; }

}  // namespace attestd
