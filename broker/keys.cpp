#include "broker/keys.h"

#include "base/encoding.h"

namespace attestd::broker {
namespace {

constexpr std::string_view challenge_name = "challenge";
constexpr std::string_view token_name = "token";
constexpr std::string_view authority_name = "ssh-host-authority";
constexpr std::size_t challenge_key_size = 32;

struct Made {
  std::string public_text;
  SecretBytes private_key;
};

Result<Made> make_challenge_key() {
  ATTESTD_TRY(SecretBytes key, SecretBytes::random(challenge_key_size));
  return Made{{}, std::move(key)};
}

Result<Made> make_token_key() {
  ATTESTD_TRY(SecretBytes der, make_signing_key());
  ATTESTD_TRY(const SigningKey key, SigningKey::from_pkcs8(der.view()));
  return Made{key.public_jwk().json(), std::move(der)};
}

Result<Made> make_authority() {
  ATTESTD_TRY(const SshAuthority authority, SshAuthority::make());
  ATTESTD_TRY(SecretBytes seed, SecretBytes::copy_of(authority.seed()));
  return Made{authority.public_key().line(), std::move(seed)};
}

Result<SecretBytes> provide(Store& store, std::string_view name, Result<Made> (*make)()) {
  const std::string text(name);
  auto known = read_from(store, [&](const StoreReader& reader) { return reader.named_key(text); });
  if (known) return std::move(known->private_key);
  if (known.error().code != Errc::not_found) return std::unexpected(std::move(known).error());
  ATTESTD_TRY(const Made made, make());
  // Another broker may be quicker: then its key is ours.
  ATTESTD_TRY(NamedKey kept, write_to(store, [&](StoreTransaction& transaction) {
                return transaction.insert_key_if_absent(text, made.public_text, made.private_key.view());
              }));
  return std::move(kept.private_key);
}

}  // namespace

Result<Keys> provide_keys(Store& store) {
  ATTESTD_TRY(SecretBytes challenge, provide(store, challenge_name, make_challenge_key));
  ATTESTD_TRY(const SecretBytes token_der, provide(store, token_name, make_token_key));
  ATTESTD_TRY(SecretBytes seed, provide(store, authority_name, make_authority));
  ATTESTD_TRY(SigningKey token, SigningKey::from_pkcs8(token_der.view()));
  ATTESTD_TRY(SshAuthority authority, SshAuthority::load(std::move(seed)));
  return Keys{ChallengeKey(std::move(challenge)), std::move(token), std::move(authority)};
}

}  // namespace attestd::broker
