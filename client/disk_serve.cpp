// attestctl disk serve: one request of cryptsetup's plugin for tokens of type attestd. The header is judged here as it
// is now; cryptsetup has read it before and uses what it has read. So nothing is noted for the agent: what is opened
// may be another volume than the one that was judged.
#include <unistd.h>

#include "base/private_memory.h"
#include "client/disk_change.h"
#include "luks/unlock_socket.h"

namespace attestd {
Result<int> run_disk_serve(const CommonOptions& common, const DiskServeOptions& options) {
  keep_memory_private();
  ATTESTD_TRY(const std::string uuid, luks::uuid_of_peer(STDIN_FILENO));
  const std::string device = options.by_uuid + "/" + uuid;
  ATTESTD_TRY(const luks::DeviceHeader header, judged_header(device));
  if (header.header.primary.uuid != uuid) {
    return fail(Errc::refused, device + " has the UUID " + printable(header.header.primary.uuid));
  }
  if (own_tokens(header.header, luks::UnlockMethod::broker).empty()) {
    return fail(Errc::refused, device + " has no token of a broker's, and a TPM gives its key at boot only");
  }
  ATTESTD_TRY(DiskParty party, DiskParty::open(common, options.broker, header.header));
  ATTESTD_CHECK(party.attest(header.header));
  ATTESTD_TRY(const SecretBytes key, party.release());
  ATTESTD_CHECK(write_all(STDIN_FILENO, "who asked for the key", key.view()));
  complain("the key of volume " + uuid + " came from " + party.url() + " as " + party.resource());
  return 0;
}

}  // namespace attestd
