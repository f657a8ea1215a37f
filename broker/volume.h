// What a volume must be like for its key to be released.
#pragma once

#include <optional>

#include "broker/store_transaction.h"
#include "evidence/statement.h"

namespace attestd::broker {

// What follows from a release for the volume's state. Errors, all refused: the evidence is for no
// volume, or for another; its LUKS2 header is neither the one that was enrolled nor the one that was
// announced; its counter did not grow. A volume's first header is the one that it has from then on.
Result<VolumeUpdate> check_volume(const ResourceSettings& settings, const VolumeState& state,
                                  const std::optional<UnlockClaim::Volume>& claim);

}  // namespace attestd::broker
