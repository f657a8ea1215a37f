// Runtime data: what a client of Trustee binds to its evidence, as JSON whose digest is
// the report data.
// Sources: RFC 8785 (JSON Canonicalization Scheme); Trustee, attestation-service/src/lib.rs
// and kbs/src/attestation/backend.rs; its verifiers for what each TEE makes of the digest.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/digest.h"
#include "kbs/message.h"

namespace attestd::kbs {

// RFC 8785 of any JSON without fractions, exponents and integers beyond 2^53 - 1, which
// the protocol has none of. Errors: malformed, out_of_range (such a number).
Result<std::string> canonical_json(std::string_view json);

// {"additional-evidence", "nonce", "tee-pubkey"} in its canonical form; before 0.3.0
// without the first. The nonce is the session's, the rest the attestation's.
std::string encode_runtime_data(ProtocolVersion version, const FixedBytes<nonce_size>& nonce,
                                const Attestation& attestation);

// What evidence must carry to bind runtime data.
struct Binding {
  FixedBytes<64> report_data{};  // the digest, zero-padded
  Bytes qualifying_data{};       // of a TPM's quote; empty for a TEE without one
};
// az-*: the quote carries the digest as it is. tpm: 32 bytes of it, cut or zero-padded.
// `hash` is SHA-256, 384 or 512.
Binding bind_runtime_data(Tee tee, HashAlgorithm hash, std::string_view runtime_data);

}  // namespace attestd::kbs
