// Is this quote what the attestation key signed, and does the log explain it?
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "evidence/event_facts.h"
#include "evidence/event_log.h"
#include "evidence/tpm_attest.h"
#include "verifier/verdict.h"
#include "verifier/verification_cache.h"

namespace attestd {

struct TpmInput {
  ByteView quote;      // TPMS_ATTEST (or TPM2B_ATTEST)
  ByteView signature;  // TPMT_SIGNATURE, or a bare RSA signature
  ByteView ak;         // TPMT_PUBLIC, TPM2B_PUBLIC, or PEM SubjectPublicKeyInfo
  std::optional<PcrValues> pcrs;
  ByteView firmware_event_log;  // empty when there is none
  ByteView userspace_event_log;
  std::optional<Bytes> expected_extra_data;
  VerificationCache* cache = nullptr;  // not owned; may be null
};

struct TpmVerification {
  // tpm.signature, tpm.ak (restricted signing key), tpm.extra-data, tpm.pcrs
  // (values hash to the quote's digest), tpm.eventlog (replay equals values).
  std::vector<Check> checks;
  std::optional<TpmQuote> quote;
  std::optional<TpmPublic> ak;
  std::optional<EventLog> log;
  EventFacts event_facts;  // of the log
  std::vector<UserspaceEvent> userspace_events;
  std::optional<PcrValues> pcrs;  // believe only if tpm.signature and tpm.pcrs pass
};
// tpm.ak is skipped for a PEM key. tpm.eventlog passes when every quoted PCR that a
// log touches replays, at least one does, and the quote proves the values; its detail
// names PCRs that no log explains. Values outside the quote's selection are dropped.
TpmVerification verify_tpm(const TpmInput& input);

}  // namespace attestd
