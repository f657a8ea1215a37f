// Credentials that only one TPM can read, to learn whether two keys live together.
// Source: TCG "Trusted Platform Module Library" part 1, revision 1.59, section 24
// and annex B.10.4; part 3, section 12.6 (TPM2_MakeCredential).
#pragma once

#include "base/bytes.h"
#include "evidence/tpm_attest.h"

namespace attestd {

struct Credential {
  Bytes blob;              // TPM2B_ID_OBJECT without its size
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET without its size
};

// A TPM gives `secret` (1 to 32 bytes) back only if it holds the private part of
// `endorsement_key` and has an object of this name loaded. For keys of the template
// L-1 (RSA 2048, SHA-256, AES-128). Errors: unsupported (another key), crypto.
Result<Credential> make_credential(const TpmPublic& endorsement_key, ByteView attestation_key_name, ByteView secret);

inline constexpr std::size_t activation_seed_size = 32;  // bytes, random
// A secret for these two keys and no others: HMAC-SHA256(seed, text || names).
// Who keeps the seed can tell later which keys an activation was of. Throws
// std::runtime_error without HMAC-SHA256, as digest() does.
Bytes activation_secret(ByteView seed, ByteView endorsement_key_name, ByteView attestation_key_name);

}  // namespace attestd
