// A secret from a relying party: one conversation with it.
#pragma once

#include <optional>
#include <string>

#include "net/https_client.h"
#include "unlock/relying_party.h"

namespace attestd::unlock {

struct ReleaseRequest {
  PartyAddress party;
  std::string resource;  // "REPOSITORY/TYPE/TAG"
  std::optional<UnlockClaim::Volume> volume;
};

// RelyingParty's attest() and release(), with their errors.
Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester,
                                 const Fetch& fetch = https_fetch);

}  // namespace attestd::unlock
