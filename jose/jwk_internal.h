// Between JSON Web Keys and OpenSSL's keys. For .cpp files only.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "base/openssl_internal.h"
#include "jose/jwk.h"

namespace attestd {

// parse_jwk() of JSON that is parsed already; `place` names it in errors.
Result<PublicJwk> parse_jwk(const boost::json::value& value, const std::string& place);

// OpenSSL's key of it. Errors: crypto (the point is not on its curve).
Result<openssl::Key> openssl_key(const PublicJwk& jwk);
// The public part of an EC or RSA key. Errors: unsupported (another kind of key), crypto.
Result<PublicJwk> jwk_of(const EVP_PKEY* key, std::string alg);

// Of EC types: RFC 7518 section 6.2.1.1, which are also OpenSSL's names.
const char* curve_name(JwkType type);
// Bytes of a coordinate; 0 for RSA.
std::size_t coordinate_size(JwkType type);

struct DecryptionKey::State {
  openssl::Key key;
  PublicJwk public_jwk;
};
// Errors: those of jwk_of().
Result<DecryptionKey> decryption_key(openssl::Key key);

}  // namespace attestd
