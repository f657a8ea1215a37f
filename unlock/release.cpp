#include "unlock/release.h"

namespace attestd::unlock {

PartyAddress address_of(const ReleaseRequest& request) {
  PartyAddress out{.url = request.url, .ca_file = request.ca_file, .policy = request.policy};
  out.trustee = request.trustee;
  out.timeout = request.timeout;
  return out;
}

Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester, const Fetch& fetch) {
  RelyingParty party(address_of(request), attester, fetch);
  ATTESTD_CHECK(party.attest(request.volume));
  return party.release(request.resource);
}

}  // namespace attestd::unlock
