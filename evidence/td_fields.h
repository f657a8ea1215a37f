// What a TDREPORT and a TD quote both say of a TD, in the same order.
// Source: Intel "TDX Module ABI Specification" (348551), TEE_TCB_INFO and
// TDINFO_STRUCT. Numbers are little-endian.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace attestd {

// TD attributes, 8 bytes (348551, TD_ATTRIBUTES; bits 7:0 are "TD under debug").
struct TdAttributes {
  std::uint64_t raw = 0;
  [[nodiscard]] bool under_debug_group() const { return (raw & 0xff) != 0; }  // any of the group: the TD is not secret
  [[nodiscard]] bool lass() const { return bit(27); }
  [[nodiscard]] bool sept_ve_disable() const { return bit(28); }
  [[nodiscard]] bool migratable() const { return bit(29); }
  [[nodiscard]] bool pks() const { return bit(30); }
  [[nodiscard]] bool key_locker() const { return bit(31); }
  [[nodiscard]] bool perfmon() const { return bit(63); }
  bool operator==(const TdAttributes&) const = default;

 private:
  [[nodiscard]] bool bit(unsigned n) const { return ((raw >> n) & 1) != 0; }
};

// Of the TDX module; 120 bytes. Offsets are from its start.
struct TeeTcbFields {
  FixedBytes<16> tee_tcb_svn{};       // 0x00: byte 0 module SVN (minor), byte 1 module SVN (major)
  FixedBytes<48> mrseam{};            // 0x10, SHA-384 of the TDX module
  FixedBytes<48> mrsignerseam{};      // 0x40, zero for Intel's modules
  std::uint64_t seam_attributes = 0;  // 0x70, must be zero for a production module
};

// Of the TD; 400 bytes. Offsets are from its start.
struct TdInfoFields {
  TdAttributes td_attributes;             // 0x00
  std::uint64_t xfam = 0;                 // 0x08, extended features (XCR0 and IA32_XSS bits) that the TD may use
  FixedBytes<48> mrtd{};                  // 0x10, the TD's initial contents
  FixedBytes<48> mrconfigid{};            // 0x40, chosen by the host
  FixedBytes<48> mrowner{};               // 0x70
  FixedBytes<48> mrownerconfig{};         // 0xa0
  std::array<FixedBytes<48>, 4> rtmrs{};  // 0xd0, SHA-384
};

// For the parsers and encoders of both. Error: truncated.
Result<void> take_tee_tcb_fields(Reader& reader, TeeTcbFields& out);
Result<void> take_td_info_fields(Reader& reader, TdInfoFields& out);
void put_tee_tcb_fields(Writer& writer, const TeeTcbFields& fields);
void put_td_info_fields(Writer& writer, const TdInfoFields& fields);

}  // namespace attestd
