// From what a device gave to a part of the bundle.
#pragma once

#include "evidence/bundle.h"
#include "hwio/report_device.h"

namespace attestd::agent {

// The part's label says what it is, so nothing else goes under it, and it must
// carry what was asked for: `root`, or the hash of `root` and an SVSM's manifest.
// Errors: unsupported (a provider that we have no part for), mismatch.
Result<void> put_report(hwio::HardwareReport report, const MerkleHash& root, Bundle& into);

}  // namespace attestd::agent
