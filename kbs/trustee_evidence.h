// Evidence as Trustee's attesters write it, "primary_evidence" of an Attestation, to and
// from the bytes that hardware and TPM made.
// Sources: guest-components, attestation-agent/attester; Trustee, deps/verifier; the
// sev crate (virtee/sev), whose structs serde turns into JSON member by member;
// azure-cvm-tooling, az-cvm-vtpm.
#pragma once

#include <string>
#include <string_view>

#include "evidence/bundle.h"
#include "kbs/message.h"

namespace attestd::kbs {

struct TrusteeEvidence {
  // Without statement and inclusion: appraise() wants AppraisalContext::report_data with it.
  Bundle bundle;
  // "aa_eventlog" of TDX clients up to protocol 0.2.0: lines that went into RTMR 3. Newer
  // ones append them to the CC event log. Nobody has checked it.
  std::string agent_event_log;
  // az-*: 0, 1 or 2. From 2 on the paravisor's runtime data have the digest as user data
  // as well; the quote has it in every version, and is what binds.
  unsigned version = 0;
};

// What the bundle has by TEE:
//   snp          snp_report, always 1184 bytes; snp_certificates
//   tdx          td_quote; cc_event_log, up to its last event
//   az-snp-vtpm  hcl_report, tpm, certificates (the VCEK)
//   az-tdx-vtpm  hcl_report, tpm, td_quote
//   tpm          tpm, whose AK is a PEM SubjectPublicKeyInfo
// The tpm of az-* has no AK: it is the HCLAkPub of the paravisor's runtime data.
//
// Reports of SNP come in two serializations, told apart by their members. sev up to 5
// shows the struct as it lies in memory, with what is reserved: every bit comes back.
// From 6 on fields are decoded, and reserved ones are not there: they come back as
// zeros, as do the mitigation vectors of a version 5 report when sev before 6.3 wrote
// it. Where that is not what the hardware signed, the signature does not verify.
//
// Errors: malformed, not_found, out_of_range, unsupported (another TEE, another version
// of az-*, both serializations at once).
Result<TrusteeEvidence> parse_trustee_evidence(Tee tee, std::string_view primary_evidence);

enum class SnpSerialization {
  in_memory,  // sev up to 5: Trustee up to 0.13
  decoded,    // sev from 6: Trustee from 0.14
};

// The inverse, for a guest that asks Trustee's server; az-* in version 2. What the
// bundle has besides is left out. Errors: not_found (a part that the TEE needs, or one of
// the 24 SHA-256 PCRs), unsupported (another TEE, a TPM signature other than RSASSA; a
// report of a product that sev does not know), malformed (a part that does not parse).
Result<std::string> encode_trustee_evidence(Tee tee, const Bundle& bundle,
                                            SnpSerialization serialization = SnpSerialization::decoded);

}  // namespace attestd::kbs
