// What the audit log says of each decision: one JSON object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/attestation_result.h"
#include "broker/refusal_log.h"

namespace attestd::broker {

// Who asked for what, as far as it was known when it was decided.
struct Asker {
  std::string address;   // "192.0.2.1"; a hint, not an identity
  std::string protocol;  // "kbs 0.4.0", "attestd"
  std::string tee;
  Bytes challenge;        // its nonce
  Bytes evidence_sha256;  // or empty
};

// How one policy judged.
struct PolicyDecision {
  std::string policy;
  std::int64_t version = 0;
  Outcome outcome = Outcome::undecided;
  FiveAnswers answers{};
  std::string reasons;  // why it is not trusted; cut where it is long
};

// "event": "attest"; "decision": "trusted" when some policy trusts it, else "refused". With a `failure`, the broker's
// own, it is "failure" whatever the policies said.
std::string attest_record(std::int64_t at, const Asker& asker, const std::vector<PolicyDecision>& policies,
                          std::string_view failure = {});
// The same, "refused", of evidence that no policy judged: the challenge was answered before, or it is not bound to it.
std::string unjudged_record(std::int64_t at, const Asker& asker, std::string_view reason);

// "event": "release"; "decision": "released", or "refused" or "failure" with its reason.
struct ReleaseDecision {
  std::string resource;
  std::int64_t version = 0;  // of the secret; 0: none was released
  std::optional<PolicyResult> policy;
  std::string reason;    // empty: released
  bool failure = false;  // the reason is the broker's own trouble
};
std::string release_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision);

// "event": "volume-header": which LUKS2 header a volume is about to have; "announced", "refused" or "failure".
std::string header_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision,
                          std::string_view next_header_sha256);

// "event": "enrolment": a secret was made for a token; "enrolled", "refused" or "failure".
std::string enrolment_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision);

// "event": "rotation": a guest has given a secret a new version; "rotated" or "refused".
std::string rotation_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision);

// "event": "certificate".
struct CertificateDecision {
  std::string policy;
  FiveAnswers answers{};
  std::vector<std::string> principals;
  std::vector<std::string> keys;  // fingerprints
  std::uint64_t serial = 0;       // of the first
  std::int64_t valid_before = 0;
  std::string reason;    // empty: signed
  bool failure = false;  // the reason is the broker's own trouble
};
std::string certificate_record(std::int64_t at, const Asker& asker, const CertificateDecision& decision);

// "event": "refusals": how many of an address have no record of their own, and between which times they were.
std::string refusals_record(std::int64_t at, const UnrecordedRefusals& refusals);

// "event": "admin": what an administrator did, and to what.
std::string admin_record(std::int64_t at, std::string_view user, std::string_view action, std::string_view object);

}  // namespace attestd::broker
