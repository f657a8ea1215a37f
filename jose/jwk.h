// Keys as JSON Web Keys (RFC 7517, RFC 7518 section 6): a peer's public key, and our
// own ephemeral key that JWEs are encrypted to.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

enum class JwkType { p256, p384, p521, rsa };

inline constexpr std::size_t jwk_max_size = std::size_t{16} * 1024;  // bytes of JSON text

struct PublicJwk {
  JwkType type = JwkType::p256;
  std::string alg;  // RFC 7517 section 4.4, empty when there is none
  Bytes x, y;       // of EC: big-endian, 32, 48 or 66 bytes each
  Bytes n, e;       // of RSA: big-endian without leading zeros

  // Members sorted, no blanks, "alg" only when there is one.
  [[nodiscard]] std::string json() const;
  // RFC 7638 with SHA-256: says nothing of "alg".
  [[nodiscard]] FixedBytes<32> thumbprint() const;
};

// A public key: EC on P-256, P-384 or P-521 with coordinates of the field's full size and a
// point on the curve; or RSA of 2048 to 8192 bits with an odd exponent of 65537 to 2^64 - 1.
// Members that we do not know are passed over (RFC 7517 section 4). Errors: malformed,
// not_found (a member is missing), out_of_range, unsupported (another kty or crv), refused
// (the key came with its private part), crypto.
Result<PublicJwk> parse_jwk(std::string_view json);

// A private key that lives in this process only. OpenSSL holds it, and wipes it when it goes.
class DecryptionKey {
 public:
  struct State;  // jose/jwk_internal.h

  // A new key; RSA has 3072 bits. Errors: crypto.
  static Result<DecryptionKey> make(JwkType type = JwkType::p256);

  explicit DecryptionKey(std::unique_ptr<State> state);
  DecryptionKey(DecryptionKey&& other) noexcept;
  DecryptionKey& operator=(DecryptionKey&& other) noexcept;
  DecryptionKey(const DecryptionKey&) = delete;
  DecryptionKey& operator=(const DecryptionKey&) = delete;
  ~DecryptionKey();

  // With "alg": ECDH-ES+A256KW or RSA-OAEP-256.
  [[nodiscard]] const PublicJwk& public_jwk() const;
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;  // empty once moved from
};

}  // namespace attestd
