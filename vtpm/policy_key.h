// The owner's key, which says under which PCRs a volume opens.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "vtpm/policy.h"

namespace attestd::vtpm {

struct PolicyKey {
  Bytes der;  // SubjectPublicKeyInfo
  // systemd's "pkfp" (252, src/shared/openssl-util.c, pubkey_fingerprint()): SHA-256 of the bare key, RSAPublicKey of
  // PKCS #1 or the point of P-256.
  Digest fingerprint{};
  Bytes public_area;  // TPMT_PUBLIC, as TPM2_LoadExternal takes it
  Bytes name;         // of that in the TPM
};

// "PUBLIC KEY" in PEM, RSA of 2048 or 3072 bits or P-256. RSA's public area is systemd 252's,
// whose name its tokens are sealed to. Errors: malformed, unsupported (another kind of key).
Result<PolicyKey> read_policy_key(std::string_view pem);

// By a private key in PEM over SHA-256 of `message`: RSASSA-PKCS1-v1_5, or ECDSA in DER, as
// `openssl dgst -sha256 -sign` makes. Errors: malformed, unsupported, crypto.
Result<Bytes> sign_with(const SecretBytes& private_pem, ByteView message);
// The public half, in PEM. Errors: the same.
Result<std::string> public_half(const SecretBytes& private_pem);
// Errors: refused (it is another's, or over something else), malformed.
Result<void> check_signature(const PolicyKey& key, ByteView message, ByteView signature);
// The two numbers of an ECDSA signature in DER, 32 bytes each. Error: malformed.
struct EcdsaNumbers {
  FixedBytes<32> r{};
  FixedBytes<32> s{};
};
Result<EcdsaNumbers> ecdsa_numbers(ByteView der);
bool is_rsa(const PolicyKey& key);

}  // namespace attestd::vtpm
