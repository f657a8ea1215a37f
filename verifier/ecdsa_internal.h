// ECDSA signatures as formats of evidence have them, R and S side by side. For .cpp
// files only.
#pragma once

#include "base/openssl_internal.h"

namespace attestd::openssl {

// As X9.62 has them: DER. Both numbers are big-endian. Empty when OpenSSL refuses.
Bytes ecdsa_der(ByteView r, ByteView s);
// Is R || S, of equal sizes, by `key` over `message`? Whoever asks checks the curve
// and the sizes.
bool ecdsa_verifies(EVP_PKEY* key, const EVP_MD* hash, ByteView message, ByteView signature);

}  // namespace attestd::openssl
