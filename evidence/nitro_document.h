// The attestation document of AWS's Nitro hypervisor, which is the payload of a
// COSE_Sign1. EC2 instances with NitroTPM and Nitro Enclaves get documents of
// nearly the same form from the same authority, and they must not be taken for
// each other: an instance's has the values of its TPM as "nitrotpm_pcrs", an
// enclave's has other registers, of another meaning, as "pcrs".
// Sources: Amazon EC2 User Guide, "Validate a NitroTPM Attestation Document";
// AWS Nitro Enclaves User Guide, "Verifying the root of trust".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"

namespace attestd {

enum class NitroKind { nitrotpm, enclave };
std::string_view nitro_kind_name(NitroKind kind);  // "nitrotpm", "enclave"

struct NitroDocument {
  NitroKind kind = NitroKind::nitrotpm;
  std::string module_id;           // UTF-8; "i-0123…-tpm0000…", "i-0123…-enc0123…"
  std::uint64_t timestamp_ms = 0;  // since the Unix epoch, when the document was made
  HashAlgorithm digest = HashAlgorithm::sha384;
  std::map<unsigned, Bytes> pcrs;  // index 0 to 31
  Bytes certificate;               // DER, of the key that signed
  std::vector<Bytes> cabundle;     // DER, the root first, the issuer of `certificate` last
  // What the asker chose, at most 1024 bytes each; nothing when absent or null.
  std::optional<Bytes> public_key;
  std::optional<Bytes> user_data;
  std::optional<Bytes> nonce;
};

inline constexpr std::size_t nitro_document_max_size = 32768;  // bytes of COSE_Sign1; real ones have 5 KiB

// The payload. Members that are not known are ignored. Errors: those of CBOR;
// malformed (a member is absent, of the wrong type or size; registers of both
// kinds, or of neither), unsupported (digest), out_of_range.
Result<NitroDocument> parse_nitro_document(ByteView payload);
Bytes encode_nitro_document(const NitroDocument& document);

}  // namespace attestd
