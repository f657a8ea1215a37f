// The TPM key that a certificate is of, as far as a certificate tells.
#pragma once

#include "base/bytes.h"
#include "evidence/tpm_attest.h"

namespace attestd::test {

// For RSA-2048 certificates in DER; an attestation key's attributes.
TpmPublic tpm_public_of(ByteView certificate);

}  // namespace attestd::test
