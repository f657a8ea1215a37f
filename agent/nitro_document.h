// The attestation document of an AWS instance, made for the moment of a quote.
#pragma once

#include <string>

#include "base/bytes.h"
#include "evidence/merkle.h"
#include "evidence/pcr.h"

namespace attestd::agent {

// Asks the NitroTPM behind `tcti` for a document whose nonce is `root`. On the
// TPM's thread, with no connection to the TPM open that serves one client only.
// Errors: those of hwio::nitrotpm_message; refused, malformed (the answer).
Result<Bytes> request_nitro_document(const std::string& tcti, const MerkleHash& root);

// Does it say what it was asked for, of the moment that was quoted? Nobody's
// signature is looked at: that is the verifier's business. Errors: mismatch (the
// nonce, or an enclave's document), changed (a PCR was extended between the two),
// malformed.
Result<void> check_nitro_document(ByteView document, const MerkleHash& root, const PcrValues& quoted);

}  // namespace attestd::agent
