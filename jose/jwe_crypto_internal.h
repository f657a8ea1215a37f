// What JWE is made of: RFC 7518 sections 4.3, 4.4, 4.6 and 5.3. For .cpp files only.
#pragma once

#include <string_view>

#include "base/openssl_internal.h"
#include "base/secret.h"

namespace attestd::jwe {

inline constexpr std::size_t iv_size = 12;   // RFC 7518 section 5.3
inline constexpr std::size_t tag_size = 16;  // the same
inline constexpr std::size_t max_key_size = 32;

// Why that algorithm is not used, neither way.
std::unexpected<Error> refuse_rsa1_5();

// Every function here also gives io or out_of_range when there is no memory for a secret.

// Errors: crypto.
Result<SecretBytes> random_key(std::size_t size);

// Z of ECDH. Both keys are on the same curve, `peer` is checked again. Errors: crypto.
Result<SecretBytes> agree(EVP_PKEY* own, EVP_PKEY* peer);
// RFC 7518 section 4.6.2: SHA-256, no SuppPrivInfo. `size`: at most max_key_size. Errors: crypto.
Result<SecretBytes> concat_kdf(ByteView z, std::string_view algorithm, ByteView apu, ByteView apv, std::size_t size);

// RFC 3394; a wrapping key of 16, 24 or 32 bytes, keys of a multiple of 8. Errors: crypto.
Result<Bytes> wrap_key(ByteView wrapping_key, ByteView key);
// Errors: mismatch.
Result<SecretBytes> unwrap_key(ByteView wrapping_key, ByteView wrapped);

// RSAES-OAEP with SHA-256, MGF1 with SHA-256, no label. Errors: crypto.
Result<Bytes> oaep_encrypt(EVP_PKEY* key, ByteView message);
// Errors: mismatch.
Result<SecretBytes> oaep_decrypt(EVP_PKEY* key, ByteView encrypted);

// AES-GCM
struct Sealed {
  Bytes iv, ciphertext, tag;
};
// Errors: crypto.
Result<Sealed> seal(ByteView key, std::string_view aad, ByteView plaintext);
// Errors: mismatch.
Result<SecretBytes> open(ByteView key, std::string_view aad, const Sealed& sealed);

}  // namespace attestd::jwe
