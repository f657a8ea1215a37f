// Internal to hwio: keys of the endorsement hierarchy, and credentials for them.
#pragma once

#include <span>

#include "hwio/tpm_context.h"

namespace attestd::hwio {

struct LoadedKey {
  EsysHandle handle;
  Bytes public_area;  // TPMT_PUBLIC
  Bytes name;
};

// Type, name algorithm and attributes of an attestation key: restricted, signing
// (TPM 2.0 part 1, 27.4). Its parameters are the caller's.
TPM2B_PUBLIC restricted_signing_template(TPMI_ALG_PUBLIC type);
// Templates of TCG "EK Credential Profile for TPM Family 2.0", version 2.5, annex B.3.3:
// L-1, RSA 2048, which Coconut's SVSM attests and clouds certify.
TPM2B_PUBLIC endorsement_key_template();
// A template as it stands in NV: TPMT_PUBLIC, or with its size before it (TPM2B_PUBLIC).
Result<TPM2B_PUBLIC> parse_key_template(ByteView bytes);

// A primary key depends on the hierarchy's seed and on the template alone (TPM 2.0
// part 1, 27.2). When the TPM is full, keys that match one of `ours` are flushed:
// a process that died on a TPM without resource manager left its keys loaded, and
// there are only three places. `what` names the key in errors.
Result<LoadedKey> create_endorsement_primary(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& key_template,
                                             std::span<const TPM2B_PUBLIC> ours, const std::string& what);

// The key at a persistent handle. Errors: not_found (there is none), tpm.
Result<LoadedKey> open_persistent_key(ESYS_CONTEXT* esys, std::uint32_t handle);

// TPM 2.0 part 3, 12.5: the secret of a credential for `attestation_key`. Both
// inputs without the size of their TPM2B. Errors: refused (made for another key or
// another TPM), out_of_range.
Result<Bytes> activate_credential(ESYS_CONTEXT* esys, ESYS_TR attestation_key, ESYS_TR endorsement_key,
                                  ByteView credential_blob, ByteView encrypted_secret);

}  // namespace attestd::hwio
