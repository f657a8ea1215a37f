// TPM evidence for people and programs: what `attestctl inspect` prints. Text
// from evidence is escaped in both forms. Digests and other bytes are lower-case hex.
#pragma once

#include <string>
#include <vector>

#include "evidence/event_log.h"
#include "evidence/tpm_attest.h"

namespace attestd {

// {"type":"tcg-event-log","crypto_agile","algorithms":[…],"startup_locality","padding",
//  "events":[{"offset","pcr","type","digests":{bank:hex},"data"(hex),"text"?,"data_matches"}…],
//  "facts":{…as event_facts.h…},"replay":{bank:{index:hex}}}
std::string event_log_to_json(const EventLog& log);
std::string event_log_to_text(const EventLog& log);

// {"type":"userspace-event-log","events":[{"pcr","event_type","string","digests":{…}}…]}
std::string userspace_log_to_json(const std::vector<UserspaceEvent>& events);
std::string userspace_log_to_text(const std::vector<UserspaceEvent>& events);

// {"type":"tpm-quote","qualified_signer","extra_data","clock_ms","reset_count","restart_count",
//  "clock_safe","firmware_version","pcr_selection":{bank:[…]},"pcr_digest"}
std::string tpm_quote_to_json(const TpmQuote& quote);

// {"type":"tpm-public","key":"rsa2048"|"ecc-p256"|…,"name","name_algorithm","attributes":[…],
//  "scheme","scheme_hash","attestation_key":bool}
std::string tpm_public_to_json(const TpmPublic& key);

}  // namespace attestd
