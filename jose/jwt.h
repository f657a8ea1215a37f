// Signed claims: JSON Web Tokens (RFC 7519) by ES256, in the compact serialization of
// RFC 7515 section 7.1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "jose/jwk.h"

namespace attestd {

inline constexpr std::size_t jwt_max_claims = std::size_t{512} * 1024;  // bytes of JSON text
inline constexpr std::size_t jwt_max_size = std::size_t{1024} * 1024;   // bytes of a token

// A new P-256 key: PKCS#8 (RFC 5208) in DER. Errors: crypto, io (no memory that can be locked).
Result<SecretBytes> make_signing_key();

// A key that signs. OpenSSL holds it, and wipes it when it goes.
class SigningKey {
 public:
  struct State;

  // Errors: malformed (no PKCS#8 in DER, or more behind it), unsupported (not EC on P-256),
  // crypto (its parts do not belong together).
  static Result<SigningKey> from_pkcs8(ByteView der);

  explicit SigningKey(std::unique_ptr<State> state);
  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&& other) noexcept;
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  ~SigningKey();

  // With "alg": ES256.
  [[nodiscard]] const PublicJwk& public_jwk() const;
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;  // empty once moved from
};

// `claims`: a JSON object; its text is signed as it is. The header is
// {"alg":"ES256","typ":"JWT","jwk":{…}} with the public key, as in Trustee's tokens. Errors:
// malformed, out_of_range (over jwt_max_claims), crypto.
Result<std::string> sign_jwt(std::string_view claims, const SigningKey& key);

// The claims' JSON text, of a token that `expected` signed: a key in the header is not looked
// at. Errors: malformed, not_found, out_of_range, unsupported (an alg other than ES256, "crit"),
// usage (`expected` is not for ES256), mismatch (the signature is not by that key).
Result<std::string> verify_jwt(std::string_view token, const PublicJwk& expected);

// "exp" and "nbf" (RFC 7519 sections 4.1.4 and 4.1.5) against `now`, s since the Unix epoch,
// with `leeway` s of clock difference allowed. A token without "exp" would never end: refused.
// Both must be whole numbers, up to the year 9999. Errors: expired, not_found (no "exp"), malformed, out_of_range.
Result<void> check_jwt_times(std::string_view claims, std::int64_t now, std::int64_t leeway = 0);

}  // namespace attestd
