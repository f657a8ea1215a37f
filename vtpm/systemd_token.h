// Volumes that systemd-cryptenroll --tpm2-device= made.
// Source: systemd 252, src/shared/tpm2-util.c (tpm2_make_luks2_json(), tpm2_unseal()) and
// src/cryptsetup/cryptsetup-tokens/luks2-tpm2.c.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "luks/header.h"

namespace attestd::vtpm {

struct SystemdToken {
  std::vector<unsigned> keyslots;
  Bytes blob;                  // TPM2B_PRIVATE || TPM2B_PUBLIC
  std::vector<unsigned> pcrs;  // ascending; literal values, SHA-256 bank; may be empty
  bool rsa_primary = false;    // "tpm2-primary-alg": "rsa", or "ecc"
  Bytes policy_hash;           // 32 bytes
  bool pin = false;
  std::string policy_key;             // PEM; empty: none
  std::vector<unsigned> signed_pcrs;  // of signed policies, by that key
};

// Strict, and of systemd 252: members that later ones add (salt, pcrlock, SRK) change how the volume opens, so
// they are refused by name. Errors: malformed, not_found, out_of_range, unsupported (another bank than sha256,
// members of a later systemd).
Result<SystemdToken> parse_systemd_token(std::string_view json);

struct SystemdRequest {
  std::string tcti;
  SystemdToken token;
  std::string signatures;  // of signed PCR policies; empty: none
  SecretBytes pin;
  // Name of the primary key that the token's blob is under. The token has none, so without this one whoever
  // sits between us and the TPM can pass for it.
  Bytes primary_name;
};
// What is the volume's passphrase: the secret in base64, as systemd-cryptsetup gives it to cryptsetup. Errors:
// those of vtpm/sealed.h's unseal().
Result<SecretBytes> unseal_systemd(const SystemdRequest& request);

}  // namespace attestd::vtpm
