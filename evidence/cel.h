// The TCG Canonical Event Log, for people to look at: a bundle carries none.
// Source: TCG "Canonical Event Log Format" 1.0 revision 0.41, sections 4
// (information model), 5.1 (TLV: one byte of type, four of length, big-endian)
// and 5.3 (JSON: an array of records). Register type 108 is the CC measurement
// register of Google's go-eventlog, which the specification leaves to others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/event_log.h"

namespace attestd {

enum class CelRegister : std::uint8_t { pcr = 1, nv_index = 2, cc_register = 108 };

// Content types of the TLV encoding; others occur.
inline constexpr std::uint8_t cel_content_management = 4;
inline constexpr std::uint8_t cel_content_pcclient_std = 5;
inline constexpr std::uint8_t cel_content_ima_template = 7;
inline constexpr std::uint8_t cel_content_ima_tlv = 8;

struct CelRecord {
  std::size_t offset = 0;                      // in the log, bytes; TLV only
  std::optional<std::uint64_t> record_number;  // JSON logs may leave it out
  CelRegister register_kind = CelRegister::pcr;
  std::uint32_t register_index = 0;
  std::vector<EventDigest> digests;  // those of algorithms that we know
  // What was measured: TLV has a type number and bytes, JSON a name and a value.
  std::uint8_t content_type = 0;
  Bytes content;
  std::string content_name;  // "pcclient_std", or "0x50"
  std::string content_json;
};

std::string cel_register_name(CelRegister kind, std::uint32_t index);  // "PCR 4", "NV 0x01c10102", "RTMR2"

// Told apart by the first byte that is no white space: '[' is JSON. Errors:
// truncated, malformed, out_of_range (over 65536 records, a PCR above 23, a
// digest of the wrong size), with their offset in TLV.
Result<std::vector<CelRecord>> parse_cel(ByteView bytes);
// TLV. Records must have a number and TLV content.
Bytes encode_cel_tlv(const std::vector<CelRecord>& records);

}  // namespace attestd
