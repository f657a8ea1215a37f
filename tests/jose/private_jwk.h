// Private keys as JSON Web Keys. The product has none: RFCs and other programs do.
#pragma once

#include <string_view>

#include "jose/jwk_internal.h"

namespace attestd::test {

// An EC or RSA key with its "d". Errors: those of parse_jwk() but `refused`, crypto.
Result<openssl::Key> private_key(std::string_view jwk);
Result<DecryptionKey> private_jwk(std::string_view jwk);

}  // namespace attestd::test
