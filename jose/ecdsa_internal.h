// ES256 (RFC 7518 section 3.4): R and S of 32 bytes each, big-endian. For .cpp files only.
#pragma once

#include "base/openssl_internal.h"

namespace attestd::jws {

inline constexpr std::size_t es256_size = 64;

// Errors: crypto.
Result<Bytes> es256_sign(EVP_PKEY* key, ByteView message);
bool es256_verifies(EVP_PKEY* key, ByteView message, ByteView signature);

}  // namespace attestd::jws
