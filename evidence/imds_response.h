// What Azure's instance metadata service answers. Plain HTTP from the host: hints,
// of which every word is verified later.
// Source: Microsoft Learn, "Azure confidential VMs: verify AMD SEV-SNP reports"
// (THIM, /metadata/THIM/amd/certification) and "Guest attestation for confidential
// virtual machines: design" (/acc/tdquote).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

inline constexpr std::size_t imds_response_max_size = std::size_t{256} << 10U;

struct ImdsAmdCertification {
  std::string vcek;               // PEM, not looked into
  std::string certificate_chain;  // PEM: ASK, then ARK
  std::string tcbm;               // the TCB that the VCEK is for, 16 hexadecimal digits; may be empty
};
// Errors: malformed, not_found (a member is missing), out_of_range.
Result<ImdsAmdCertification> parse_imds_amd_certification(std::string_view json);

// The quote of a TDREPORT that was sent. Errors as above.
Result<Bytes> parse_imds_td_quote(std::string_view json);
// The request's body, and the TDREPORT in one.
std::string encode_imds_td_quote_request(ByteView td_report);
Result<Bytes> parse_imds_td_quote_request(std::string_view json);

}  // namespace attestd
