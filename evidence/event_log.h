// The firmware's event log, and systemd's.
// Sources: TCG "PC Client Platform Firmware Profile" 1.06, section 10 (formats,
// TCG_PCR_EVENT, TCG_PCR_EVENT2, EV_NO_ACTION); TCG "EFI Protocol" 1.0;
// systemd "TPM2 PCR measurements made by systemd" (JSON-SEQ, RFC 7464).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/pcr.h"

namespace attestd {

inline constexpr std::uint32_t ev_no_action = 0x00000003;
std::string event_type_name(std::uint32_t type);  // "EV_SEPARATOR", or "0x…" when unknown

struct EventDigest {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  Bytes value;
};

struct Event {
  std::size_t offset = 0;  // of the event in the log, bytes
  std::uint32_t register_index = 0;
  std::uint32_t type = 0;
  std::vector<EventDigest> digests;
  Bytes data;
};

struct EventLog {
  bool crypto_agile = false;              // TCG_PCR_EVENT2 after a SpecID header; else SHA-1 only
  std::vector<HashAlgorithm> algorithms;  // as the SpecID header lists them
  std::uint8_t startup_locality = 0;      // where PCR 0 starts
  std::vector<Event> events;              // EV_NO_ACTION events too
  std::size_t padding = 0;                // 0xff or zero bytes after the last event
};

// Errors: truncated, malformed, out_of_range (over 65536 events or an event of
// over 16 MiB), each with its offset. A log is hostile until a quote covers it.
Result<EventLog> parse_event_log(ByteView bytes);

// One record of /run/log/systemd/tpm2-measure.log.
struct UserspaceEvent {
  unsigned pcr = 0;
  std::vector<EventDigest> digests;
  std::string event_type;  // "phase", "filesystem", "machine-id", …
  std::string string;      // the measured text, when the record has it
  std::string json;        // the record as it stands
};
Result<std::vector<UserspaceEvent>> parse_userspace_log(ByteView bytes);

// Register values after all events of the bank; only registers that an event
// extends, but PCR 0 always. Extends are applied in log order, firmware first.
PcrBank replay(const EventLog& log, HashAlgorithm bank);
void replay(const std::vector<UserspaceEvent>& events, HashAlgorithm bank, PcrBank& values);

}  // namespace attestd
