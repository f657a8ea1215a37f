// What a verifier wants from a firmware event log, with the rule that a claim
// counts only when its data is what was measured: the log's text is the host's
// to write, only digests reach the TPM.
// Source: TCG "PC Client Platform Firmware Profile" 1.06 sections 10.4 and 3.3.4.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/event_log.h"

namespace attestd {

enum class DataMatch {
  matches,       // the data hashes to the digest of every bank
  differs,       // the type's data must hash to the digest, and does not
  not_measured,  // EV_NO_ACTION: no register shows it
  other,         // the digest is of something else by design, or of unknown
};
std::string_view data_match_name(DataMatch match);
// Digests of banks that OpenSSL cannot compute are left out; with none left: other.
DataMatch event_data_match(const Event& event);

struct EventFacts {
  // The SecureBoot variable as PCR 7 saw it: true is enforcing, nothing when the
  // log has no such event, more than one that disagree, or one whose data is not
  // what was measured; `secure_boot_detail` says which.
  std::optional<bool> secure_boot;
  std::string secure_boot_detail;
  // EV_IPL texts that hash to their digests (systemd-stub, GRUB commands), with their PCR.
  struct Text {
    unsigned pcr = 0;
    std::string text;
  };
  std::vector<Text> texts;
  // Offsets of events whose data must hash to the digest and does not.
  std::vector<std::size_t> mismatches;
};
EventFacts decode_event_facts(const EventLog& log);

// The same from the digests of one bank alone, up to PCR 7's separator: types and
// data are the host's to write, and an event may lack a digest of the quoted bank,
// so only this tells what a register that the log replays to has seen.
// `register_index` is where that log has PCR 7: elsewhere in a TD, see ccel.h.
std::optional<bool> measured_secure_boot(const EventLog& log, HashAlgorithm bank, std::uint32_t register_index = 7);

}  // namespace attestd
