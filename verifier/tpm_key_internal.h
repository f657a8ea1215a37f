// The attestation key as OpenSSL takes it, and signatures by it.
#pragma once

#include "base/bytes.h"
#include "base/openssl_internal.h"
#include "evidence/tpm_attest.h"

namespace attestd {

using TpmKey = openssl::Key;

// Errors: unsupported (curve, RSA under 2048 bits), crypto (a point that is not on its curve).
Result<TpmKey> tpm_key(const TpmPublic& area);
// A PEM SubjectPublicKeyInfo ("BEGIN PUBLIC KEY").
Result<TpmKey> tpm_key_from_pem(ByteView pem);
// Errors: mismatch (the signature is not of this message by this key), unsupported
// (scheme does not fit the key, weak hash).
Result<void> verify_tpm_signature(EVP_PKEY* key, const TpmSignature& signature, ByteView message);

}  // namespace attestd
