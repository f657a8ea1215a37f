// What an asker gets: a CMW collection (IETF RATS "Conceptual Messages Wrapper",
// draft-ietf-rats-msg-wrap section 3.3) in JSON, each part under its media type.
// Format: docs/wire-format.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/merkle.h"
#include "evidence/pcr.h"

namespace attestd {

inline constexpr std::string_view bundle_media_type = "application/cmw+json";
inline constexpr std::string_view bundle_collection_type = "tag:attestd,2026:bundle:1";
inline constexpr std::size_t bundle_max_size = std::size_t{32} << 20U;  // bytes of JSON

struct TpmEvidence {
  Bytes quote;           // TPMS_ATTEST
  Bytes signature;       // TPMT_SIGNATURE
  Bytes ak_public;       // TPMT_PUBLIC
  Bytes ak_certificate;  // DER, or empty
  PcrValues pcrs;
};

struct Bundle {
  Bytes statement;  // exact bytes
  InclusionProof inclusion;
  Bytes snp_report;        // 1184 bytes, or empty
  Bytes snp_certificates;  // the host's table, or empty
  std::optional<TpmEvidence> tpm;
  Bytes firmware_event_log;   // or empty
  Bytes userspace_event_log;  // or empty
};

std::string encode_bundle(const Bundle& bundle);
// Parts of unknown label are ignored; a known label with a wrong media type, a
// part that occurs twice, or no statement is an error.
Result<Bundle> parse_bundle(std::string_view json);

// REPORT_DATA that this bundle's hardware report must carry.
Result<MerkleHash> bundle_root(const Bundle& bundle);
// Qualifying data of the TPM quote: SHA-256(root), 32 bytes.
Bytes quote_qualifying_data(const MerkleHash& root);

}  // namespace attestd
