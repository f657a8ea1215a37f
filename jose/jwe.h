// Secrets encrypted to a key: JSON Web Encryption (RFC 7516) in its flattened JSON
// serialization (section 7.2.2), as Confidential Containers' Trustee exchanges it.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "jose/jwk.h"

namespace attestd {

// RFC 7518 section 4.1
inline constexpr std::string_view jwe_alg_ecdh_es_a256kw = "ECDH-ES+A256KW";
inline constexpr std::string_view jwe_alg_rsa_oaep_256 = "RSA-OAEP-256";

inline constexpr std::size_t jwe_max_plaintext = std::size_t{1} << 20U;  // bytes
inline constexpr std::size_t jwe_max_size = std::size_t{2} << 20U;       // bytes of JSON text

// {"protected", "encrypted_key", "iv", "ciphertext", "tag"}: A256GCM under a fresh key, which
// is wrapped by ECDH-ES+A256KW to an EC key, by RSA-OAEP-256 to an RSA key. The protected
// header is {"alg","enc"} and for EC {"epk":{"crv","kty","x","y"}} in that order without
// blanks: Trustee's guests take it apart and authenticate what they put together again.
// Errors: refused (`recipient.alg` is RSA1_5), unsupported (another alg than those), out_of_range
// (over jwe_max_plaintext), io (no memory that can be locked), crypto.
Result<std::string> encrypt_jwe(ByteView plaintext, const PublicJwk& recipient);

// Also ECDH-ES with A128KW or A192KW, and A128GCM or A192GCM. All parameters have to be in the
// protected header; those that we do not know are passed over (RFC 7516 section 4), but "crit"
// and "zip" are refused. "aad" is authenticated (section 5.1 step 14). Errors that everybody
// sees who has the text: malformed, not_found, out_of_range, unsupported, refused (RSA1_5),
// crypto (epk is no point). Whatever the key shows is one mismatch in one sentence, and takes
// the same steps: wrong key, bad padding, altered text. Also io (no memory that can be locked).
Result<SecretBytes> decrypt_jwe(std::string_view jwe, const DecryptionKey& key);

}  // namespace attestd
