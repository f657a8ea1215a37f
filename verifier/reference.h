// Launch digests that an owner accepts, and how much each is worth.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

// Where a reference value comes from: how much it is worth.
enum class ReferenceOrigin { own_firmware, reproducible_build, pre_measured, pinned };

std::string_view origin_name(ReferenceOrigin origin);  // "own-firmware"
std::optional<ReferenceOrigin> origin_from_name(std::string_view name);

struct ReferenceMeasurement {
  Bytes value;  // 48 bytes, launch digest
  ReferenceOrigin origin = ReferenceOrigin::pinned;
  std::string comment;
  // Who keeps the vTPM from the host in a VM of this measurement: "paravisor",
  // "vmpl" (an SVSM), or empty: nobody. No evidence but the measurement tells
  // what runs at the highest privilege.
  std::string vtpm{};
};
// The one whose value this is, or null.
const ReferenceMeasurement* find_reference(const std::vector<ReferenceMeasurement>& accepted, ByteView value);

// Is `value` one of those that an owner lists?
bool any_equal(const std::vector<Bytes>& accepted, ByteView value);

}  // namespace attestd
