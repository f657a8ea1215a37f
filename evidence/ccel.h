// The confidential computing event log: what firmware and boot loader of a TD
// measured into its run-time measurement registers.
// Sources: UEFI 2.10 section 38 (Confidential Computing, CC_EVENT, the CCEL ACPI
// table of section 38.4.1); Intel "TDX Virtual Firmware Design Guide" (344991)
// section 8 (register indices, PCR mapping). The log itself has the crypto-agile
// format of event_log.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "evidence/event_log.h"

namespace attestd {

inline constexpr std::size_t ccel_table_size = 56;
inline constexpr std::uint8_t cc_type_tdx = 2;  // UEFI 2.10 section 38.2, EFI_CC_TYPE: 1 is SEV

struct CcelTable {
  std::uint8_t revision = 1;
  FixedBytes<6> oem_id{};
  FixedBytes<8> oem_table_id{};
  std::uint32_t oem_revision = 0;
  std::uint32_t creator_id = 0;
  std::uint32_t creator_revision = 0;
  std::uint8_t cc_type = 0;
  std::uint8_t cc_subtype = 0;
  std::uint64_t log_area_minimum_length = 0;  // bytes
  std::uint64_t log_area_start_address = 0;   // guest-physical
};

// Errors: truncated, out_of_range (over 56 bytes), malformed (signature, length,
// or checksum). The table is the host's or firmware's to write: no evidence.
Result<CcelTable> parse_ccel_table(ByteView bytes);
// 56 bytes with their checksum; for attestd-sim.
Bytes encode_ccel_table(const CcelTable& table);

// As parse_event_log(), for the log area: a crypto-agile log with SHA-384 digests
// and no register above 4. Errors: besides those, unsupported (no SHA-384),
// malformed (an event that claims another register).
Result<EventLog> parse_cc_event_log(ByteView area);
// The area without what follows its last event, which is most of it. An area
// that does not parse comes back whole, so that a verifier sees what is wrong.
Bytes trim_cc_event_log(ByteView area);

// A measurement register index of a log: 0 is MRTD (nothing of it can be
// replayed: it is complete before firmware runs), 1 to 4 are RTMR 0 to 3.
std::string cc_register_name(std::uint32_t index);  // "MRTD", "RTMR0", …, or "register 7"

// The RTMRs that `log` claims: each starts as zeros and becomes
// SHA-384(value || digest) by every event but EV_NO_ACTION.
using Rtmrs = std::array<FixedBytes<48>, 4>;
Rtmrs replay_rtmrs(const EventLog& log);
void rtmr_extend(FixedBytes<48>& value, ByteView event_digest);

// The RTMR that stands for a PCR in a TD: none for PCR 0 (MRTD) and those
// above 15; 0 for 1 and 7, 1 for 2 to 6, 2 for 8 to 15.
std::optional<unsigned> rtmr_of_pcr(unsigned pcr);

// The Secure Boot state that RTMR 0 has seen, from digests alone, up to its
// separator; as measured_secure_boot() in event_facts.h.
std::optional<bool> cc_measured_secure_boot(const EventLog& log);

}  // namespace attestd
