// The certificate table that the host hands over with an extended report.
// Source: AMD 56421 "SEV-ES Guest-Hypervisor Communication Block
// Standardization", revision 2.04, section 4.1.8.1. Written by the host: hostile.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/guid.h"

namespace attestd {

inline constexpr std::string_view snp_guid_vcek = "63da758d-e664-4564-adc5-f4b93be8accd";
inline constexpr std::string_view snp_guid_vlek = "a8074bc2-a25a-483e-aae6-39c045a0b8a1";
inline constexpr std::string_view snp_guid_ask = "4ab7b379-bbac-4fe4-a02f-05aef327c782";
inline constexpr std::string_view snp_guid_ark = "c0b406a4-a803-4952-9743-3fb6014cd0ae";
inline constexpr std::string_view snp_guid_crl = "92f81bc3-5811-4d3d-97ff-d19f88dc67ea";

struct SnpCertificate {
  Guid guid;
  Bytes data;  // DER
};

// An empty input is an empty table. Entries of unknown GUID are kept.
// Errors: truncated, malformed (no terminating entry, offsets inside the
// header or beyond the end), out_of_range (more than 64 entries).
Result<std::vector<SnpCertificate>> parse_snp_certificate_table(ByteView bytes);
Bytes encode_snp_certificate_table(const std::vector<SnpCertificate>& certificates);

}  // namespace attestd
