// When the latch is closed: after it whoever is in this boot gets no key by the same policy.
#pragma once

#include <memory>

#include "agent/config.h"
#include "hwio/rtmr.h"
#include "unlock/settings.h"
#include "unlock/volume.h"

namespace attestd::unlock {

// After this volume's key has come, and before it is given away. Method vtpm: unless another volume is named, since
// the TPM opens nothing of ours behind a closed latch anyway. Method broker: where this volume is named, for a policy
// that demands PCR 15, or RTMR 3, as it is in the initrd.
bool wants_latch(const Settings& settings, const Volume& volume);

// A latch that is to close behind a volume which is none would never close. Errors: usage (neither the command line nor
// crypttab(5) names the volume of `latch`).
Result<void> require_latch_volume(const Settings& settings, std::string_view command_line, std::string_view crypttab);

// PCR 15, where there is a TPM; and RTMR 3 of a TD, where `latch` names the volume. `srk_name`: of the volume's
// token, or empty. `rtmrs`: of this machine, null where it is no TD. Errors: unavailable (neither is there), those of
// vtpm/latch.h. Then no key is to be given.
Result<void> close_latch(const Settings& settings, const agent::Config& machine, const Volume& volume,
                         ByteView srk_name, hwio::Rtmrs* rtmrs);
// Null: this is no TD, as far as the kernel shows.
std::unique_ptr<hwio::Rtmrs> rtmrs_of(const agent::Config& machine);

}  // namespace attestd::unlock
