// Launch digests that an owner accepts, and how much each is worth.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

// Where a reference value comes from: how much it is worth.
enum class ReferenceOrigin { own_firmware, reproducible_build, pre_measured, pinned };

std::string_view origin_name(ReferenceOrigin origin);  // "own-firmware"

struct ReferenceMeasurement {
  Bytes value;  // 48 bytes, launch digest
  ReferenceOrigin origin = ReferenceOrigin::pinned;
  std::string comment;
  // Who keeps the vTPM from the host in a VM of this measurement: "paravisor",
  // "vmpl" (an SVSM), or empty: nobody. No evidence but the measurement tells
  // what runs at the highest privilege.
  std::string vtpm{};
};

}  // namespace attestd
