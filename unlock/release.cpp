#include "unlock/release.h"

namespace attestd::unlock {

Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester, const Fetch& fetch) {
  RelyingParty party(request.party, attester, fetch);
  ATTESTD_CHECK(party.attest(request.volume));
  return party.release(request.resource);
}

}  // namespace attestd::unlock
