// The TD quote: what a TDX quoting enclave signs over a TD's report.
// Source: Intel "TDX DCAP Quoting Library API" (revision 0.9 for version 4,
// appendix A.3; version 5, appendix A.4). Numbers are little-endian, but ECDSA's
// R and S are big-endian, unlike those of an SNP report.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "evidence/td_fields.h"

namespace attestd {

inline constexpr std::size_t td_quote_header_size = 48;
inline constexpr std::size_t td_body_10_size = 584;
inline constexpr std::size_t td_body_15_size = 648;
inline constexpr std::size_t sgx_report_body_size = 384;
// Larger ones are refused: a quote with its certificate chain has about 5 kB.
inline constexpr std::size_t td_quote_max_size = std::size_t{64} * 1024;

inline constexpr std::uint16_t td_key_type_ecdsa_p256 = 2;
inline constexpr std::uint32_t td_tee_type_tdx = 0x81;
inline constexpr std::uint16_t td_certification_pck_chain = 5;  // PCK certificate chain, PEM
inline constexpr std::uint16_t td_certification_qe_report = 6;  // QE report, its signature and certification

// Intel's quoting enclaves name this vendor (939a7233-f79c-4ca9-940a-0db3957f0607).
inline constexpr std::array<std::uint8_t, 16> intel_qe_vendor_id{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                                                 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

enum class TdBodyType : std::uint16_t { td_10 = 2, td_15 = 3 };

// The TD 1.0 body: the TCB's fields at 0x000, the TD's at 0x078, and report data.
// TD 1.5 adds the last two. Offsets are in the body.
struct TdQuoteBody : TeeTcbFields, TdInfoFields {
  TdBodyType type = TdBodyType::td_10;
  FixedBytes<64> report_data{};    // 0x208
  FixedBytes<16> tee_tcb_svn_2{};  // 0x248, TD 1.5: the TCB after a TD-preserving update
  FixedBytes<48> mrservicetd{};    // 0x258, TD 1.5: zero unless service TDs are bound
};

// REPORTBODY of an SGX enclave, 384 bytes (Intel SDM volume 3D, section 38.15).
struct SgxReportBody {
  FixedBytes<16> cpusvn{};       // 0x000
  std::uint32_t miscselect = 0;  // 0x010
  FixedBytes<16> attributes{};   // 0x030: 8 bytes of flags (bit 1 DEBUG), 8 bytes of XFRM
  FixedBytes<32> mrenclave{};    // 0x040
  FixedBytes<32> mrsigner{};     // 0x080
  std::uint16_t isvprodid = 0;   // 0x100
  std::uint16_t isvsvn = 0;      // 0x102
  FixedBytes<64> report_data{};  // 0x140
};

struct TdQuote {
  // Header.
  std::uint16_t version = 0;               // 0x00: 4 or 5
  std::uint16_t attestation_key_type = 0;  // 0x02: 2, ECDSA P-256
  std::uint32_t tee_type = 0;              // 0x04: 0x81
  FixedBytes<4> reserved{};                // 0x08: version 3 had QE and PCE SVN here
  FixedBytes<16> qe_vendor_id{};           // 0x0c
  FixedBytes<20> user_data{};              // 0x1c

  TdQuoteBody body;

  // Signature data. What is signed: header and body (version 5: with the
  // body's type and size between them) by the attestation key; the QE report
  // by the PCK; the QE report's report data begins with
  // SHA-256(attestation key || QE authentication data).
  FixedBytes<64> signature{};            // R || S
  FixedBytes<64> attestation_key{};      // X || Y on P-256
  FixedBytes<384> qe_report{};           // as signed; parse_sgx_report_body()
  FixedBytes<64> qe_report_signature{};  // R || S
  Bytes qe_authentication_data;
  Bytes pck_chain;  // PEM, leaf first, often with a zero byte at its end; hostile text

  // What follows the quote: zeros, as drivers hand out the whole buffer, and
  // whatever else a host puts there. No signature covers it and it means nothing.
  Bytes trailing;
};

// How many bytes the attestation key signs, from the quote's start: 632 in
// version 4; 638 or 702 in version 5.
std::size_t td_quote_signed_size(const TdQuote& quote);

// Errors: truncated (a field or the declared size goes beyond the input),
// out_of_range (over td_quote_max_size), unsupported (version not 4 or 5, a
// key type, TEE type, body type or certification type that we do not handle),
// malformed (sizes that contradict each other). Bytes after the quote are kept
// in `trailing` and otherwise ignored.
Result<TdQuote> parse_td_quote(ByteView bytes);
// The inverse. A version 4 quote always has a TD 1.0 body.
Bytes encode_td_quote(const TdQuote& quote);
// Only what the attestation key signs; for signers.
Bytes encode_td_quote_signed_part(const TdQuote& quote);

// Errors: truncated or out_of_range when not 384 bytes. Fields that the
// specification reserves are not looked at: the QE identity masks what matters.
Result<SgxReportBody> parse_sgx_report_body(ByteView bytes);
// 384 bytes, reserved fields zero.
FixedBytes<sgx_report_body_size> encode_sgx_report_body(const SgxReportBody& body);

}  // namespace attestd
