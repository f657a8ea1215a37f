// rd.attestd.method=vtpm: a volume's key out of the machine's own TPM.
#pragma once

#include <string>

#include "agent/config.h"
#include "base/secret.h"
#include "luks/copy.h"
#include "unlock/pin.h"
#include "unlock/settings.h"
#include "unlock/volume.h"

namespace attestd::unlock {

struct Unsealed {
  SecretBytes key;
  bool header_changed = false;  // the counter went on, and the token on the device says so
};
// Judges who isolates the TPM, unseals by the volume's token (ours, or systemd-cryptenroll's), has the counter go on,
// and closes the latch. `tell`: what was found, for the journal. Errors: not_found (no token of either kind), usage (a
// pinned header, and a counter, which changes it), those of vtpm/isolation.h, vtpm/sealed.h and vtpm/latch.h.
// `ask`: for the PIN of a volume that has one, where the settings allow a question; permission where they do not.
Result<Unsealed> unseal_volume(const Settings& settings, const agent::Config& machine, const Volume& volume,
                               const luks::Header& header, const AskPin& ask, const Tell& tell);

struct VtpmEnrolment {
  std::string device;
  std::string key_file;        // a passphrase of the volume's
  std::vector<unsigned> pcrs;  // empty: the default
  std::string counter;         // "0x01800100"; empty: none
  std::string pin_file;        // empty: no PIN
};
// Adds a keyslot and a token. The TPM must be isolated as `settings` want it.
Result<void> enrol_volume(const Settings& settings, const agent::Config& machine, const VtpmEnrolment& enrolment,
                          const Tell& tell);

}  // namespace attestd::unlock
