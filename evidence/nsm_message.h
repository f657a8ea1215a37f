// What an EC2 instance and its NitroTPM say to each other through an NV index:
// one attestation request of the Nitro Security Module, and the answer, in CBOR.
// Source: the public crate aws-nitro-enclaves-nsm-api (module api): Request and
// Response are maps of one member, by the name of the variant.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace attestd {

struct NsmAttestationRequest {
  std::optional<Bytes> user_data;
  std::optional<Bytes> nonce;
  std::optional<Bytes> public_key;
};

Bytes encode_nsm_request(const NsmAttestationRequest& request);
// Errors: those of CBOR, malformed. Bytes after the message are ignored, as in an
// NV index that is larger than what was written.
Result<NsmAttestationRequest> parse_nsm_request(ByteView bytes);

// The attestation document in an answer, a COSE_Sign1. Bytes after the message
// are ignored. Errors: those of CBOR, malformed, refused (the module's own error).
Result<Bytes> parse_nsm_response(ByteView bytes);
Bytes encode_nsm_response(ByteView document);
// `code`: "InvalidArgument", as the crate's ErrorCode has it.
Bytes encode_nsm_error(std::string_view code);

}  // namespace attestd
