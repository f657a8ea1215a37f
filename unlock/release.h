// A secret from a relying party: one conversation with it.
#pragma once

#include <optional>
#include <string>

#include "net/https_client.h"
#include "unlock/relying_party.h"

namespace attestd::unlock {

struct ReleaseRequest {
  std::string url;  // "https://HOST:PORT"
  std::string ca_file;
  std::string resource;  // "REPOSITORY/TYPE/TAG"
  std::string policy;    // or empty
  bool trustee = false;  // evidence as Trustee's guests give it
  std::optional<UnlockClaim::Volume> volume;
  std::chrono::milliseconds timeout{30000};  // of each of the three requests
};

PartyAddress address_of(const ReleaseRequest& request);

// RelyingParty's attest() and release(), with their errors.
Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester,
                                 const Fetch& fetch = https_fetch);

}  // namespace attestd::unlock
