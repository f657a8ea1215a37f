// TDREPORT: what the TDX module says about a TD, for this machine alone (its MAC
// can be checked nowhere else; a quoting enclave turns it into a quote).
// Source: Intel "TDX Module ABI Specification" (348551), TDREPORT_STRUCT,
// REPORTMACSTRUCT, TEE_TCB_INFO, TDINFO_STRUCT. Numbers are little-endian.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "evidence/td_quote.h"

namespace attestd {

inline constexpr std::size_t td_report_size = 1024;

// The TCB's fields are those of TEE_TCB_INFO from 0x108, the TD's those of TDINFO
// from 0x200.
struct TdReport : TeeTcbFields, TdInfoFields {
  // REPORTMACSTRUCT, 256 bytes.
  std::uint8_t type = 0;                 // 0x00: 0x81, TDX
  std::uint8_t subtype = 0;              // 0x01
  std::uint8_t version = 0;              // 0x02: 0 without bound service TDs, 1 with
  FixedBytes<16> cpusvn{};               // 0x10
  FixedBytes<48> tee_tcb_info_digest{};  // 0x20, SHA-384 of TEE_TCB_INFO
  FixedBytes<48> tee_info_digest{};      // 0x50, SHA-384 of TDINFO
  FixedBytes<64> report_data{};          // 0x80
  FixedBytes<32> mac{};                  // 0xe0

  // TEE_TCB_INFO, 239 bytes at 0x100.
  std::uint64_t valid = 0;         // 0x100: which of the following are valid
  FixedBytes<16> tee_tcb_svn_2{};  // 0x180, TDX 1.5

  // TDINFO, 512 bytes at 0x200.
  FixedBytes<48> servtd_hash{};  // 0x390, TDX 1.5
};

// Errors: truncated or out_of_range (not 1024 bytes), unsupported (type not
// 0x81, subtype not 0). Reserved bytes are not looked at.
Result<TdReport> parse_td_report(ByteView bytes);
// 1024 bytes, reserved ones zero. The digests are written as they are.
Bytes encode_td_report(const TdReport& report);

// The digests that the first structure must carry over the other two, which is
// all that ties them together. Errors: mismatch, or parse_td_report()'s.
Result<void> check_td_report_digests(ByteView bytes);
// Fills them in; for who makes reports.
void set_td_report_digests(TdReport& report);

// A quote's body from the report that it was made of.
TdQuoteBody td_quote_body(const TdReport& report, TdBodyType type);

}  // namespace attestd
