// The latch: one unlocker in each boot. What comes after it finds PCR 15 extended, and the TPM
// opens no blob of ours any more; on TDX, RTMR 3 says the same to who verifies a quote.
#pragma once

#include <string>

#include "base/bytes.h"
#include "hwio/rtmr.h"

namespace attestd::vtpm {

inline constexpr unsigned latch_rtmr = 3;
// "attestd-unlock: latched by volume UUID": what the events' digests are of.
std::string latch_text(const std::string& uuid);
inline constexpr std::string_view latch_event_type = "attestd-unlock";  // "eventType" of the record
inline constexpr std::uint8_t latch_cel_content = 0x61;                 // content type of the CEL record, ours

struct LatchRequest {
  std::string tcti;
  // Of luks::VtpmBinding. Empty: the key that is found, or made; who alters the bus is believed then.
  Bytes srk_name;
  std::string uuid;  // of the volume
  // A record is appended: systemd's own log by default, which the agent takes into its bundles.
  std::string log = "/run/log/systemd/tpm2-measure.log";
};
// Extends PCR 15 in every active bank, in a session that proves the TPM did so, and logs it. To be called
// once, after the last volume: it does not ask whether it was. Errors: those of vtpm/sealed.h; io (the log,
// by which time the latch is closed).
Result<void> latch_tpm(const LatchRequest& request);
// Extends RTMR 3 and writes `log`, a CEL of this one record (TLV). Errors: those of Rtmrs::extend(), io.
Result<void> latch_td(hwio::Rtmrs& rtmrs, const std::string& uuid, const std::string& log);

}  // namespace attestd::vtpm
