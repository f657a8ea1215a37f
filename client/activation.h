// Evidence of a VM whose TPM shows that its keys live together: a bundle to learn
// the keys from, a credential for them, and a second bundle that has its secret.
#pragma once

#include <optional>
#include <string>

#include "client/source.h"

namespace attestd {

// Asks twice where the first bundle has an SVSM's manifest, with the same nonce; once
// otherwise, of a file, and for cached evidence. `activation_seed` is a new random one, and
// the timeout is for both. Errors: those of
// fetch_evidence().
Result<FetchedEvidence> fetch_activated_evidence(const Source& source, EvidenceRequest request);

// "BLOB.SECRET", both base64url; "none" or empty: no credential. Errors: malformed.
std::string credential_text(const std::optional<Credential>& credential);
Result<std::optional<Credential>> parse_credential(std::string_view text);

// --activation-secret: a file of 32 bytes, mode 0600.
Result<Bytes> read_activation_seed(const std::string& path);

}  // namespace attestd
