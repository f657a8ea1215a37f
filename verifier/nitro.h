// Is this document from AWS's Nitro hypervisor? What its registers should be is
// another question. Both of an instance's NitroTPM and of an enclave: the caller
// looks at document->kind.
// Source: Amazon EC2 User Guide, "Validate a NitroTPM Attestation Document".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/nitro_document.h"
#include "verifier/roots.h"
#include "verifier/verdict.h"

namespace attestd {

struct NitroVerification {
  // nitro.signature (COSE_Sign1 by the key of the document's certificate), then
  // nitro.chain (from that certificate to a root, all valid at the time asked for).
  std::vector<Check> checks;
  std::optional<NitroDocument> document;  // parsed, good or not
  std::string root_name;                  // empty until a root is known
  std::string leaf_not_before;            // RFC 3339
  std::string leaf_not_after;
  bool simulated = false;  // the root is one that the user named, not AWS's

  [[nodiscard]] bool good() const;  // both checks pass
};

enum class NitroTrust {
  aws_and_named,  // AWS's pinned root, and those in TrustRoots::nitro
  named_only,
};

// `document`: a COSE_Sign1 in CBOR. `at`: Unix seconds.
NitroVerification verify_nitro(ByteView document, const TrustRoots& roots, std::int64_t at,
                               NitroTrust trust = NitroTrust::aws_and_named);

// `attestctl verify nitrotpm`: those checks and what the document says. Says of an
// enclave's document that it is one.
Verdict appraise_nitro(const NitroVerification& verification);

}  // namespace attestd
