// What an asker gets: a CMW collection (IETF RATS "Conceptual Messages Wrapper",
// draft-ietf-rats-msg-wrap section 3.3) in JSON, each part under its media type.
// Format: docs/wire-format.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::vector<Bytes> ak_chain{};  // DER, of the AK certificate's issuers; from the guest, hostile
  Bytes ek_public{};              // TPMT_PUBLIC of the endorsement key, or empty
  Bytes ek_certificate{};         // DER, or empty
};

// Empty: the platform has no such part, or it was not there.
struct Bundle {
  Bytes statement;  // exact bytes
  InclusionProof inclusion;
  Bytes snp_report;        // 1184 bytes
  Bytes snp_certificates;  // the host's table (AMD 56421 section 4.1.8.1)
  std::optional<TpmEvidence> tpm;
  Bytes firmware_event_log;
  Bytes userspace_event_log;
  Bytes td_quote{};        // Intel DCAP quote, version 4 or 5
  Bytes cc_event_log{};    // the CCEL's log area, up to its last event
  Bytes hcl_report{};      // Azure: NV index 0x01400001 of the vTPM
  Bytes nitro_document{};  // AWS: COSE_Sign1 of the NitroTPM
  Bytes svsm_manifest{};   // SVSM: manifestblob of configfs-tsm
  Bytes certificates{};    // DER one after the other, or PEM: from metadata services, hostile
};

std::string encode_bundle(const Bundle& bundle);
// Parts of unknown label are ignored; a known label with a wrong media type, a
// part that occurs twice, or no statement is an error.
// At most 16 certificates in tpm-ak-chain.
Result<Bundle> parse_bundle(std::string_view json);

// Puts the parts of `from` into `into`, where they replace what was there; statement
// and inclusion stay.
void take_parts(Bundle from, Bundle& into);
// True when some part is a hardware report, of whatever kind.
bool has_hardware_report(const Bundle& bundle);
// REPORT_DATA that this bundle's hardware report must carry.
Result<MerkleHash> bundle_root(const Bundle& bundle);
// Qualifying data of the TPM quote: SHA-256(root), 32 bytes.
Bytes quote_qualifying_data(const MerkleHash& root);

}  // namespace attestd
