#include "verifier/reference.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attestd {
namespace {

constexpr std::array<std::pair<ReferenceOrigin, std::string_view>, 4> origins{{
    {ReferenceOrigin::own_firmware, "own-firmware"},
    {ReferenceOrigin::reproducible_build, "reproducible-build"},
    {ReferenceOrigin::pre_measured, "pre-measured"},
    {ReferenceOrigin::pinned, "pinned"},
}};

}  // namespace

std::string_view origin_name(ReferenceOrigin origin) {
  const auto* const known = std::ranges::find(origins, origin, &decltype(origins)::value_type::first);
  return known == origins.end() ? "" : known->second;
}

std::optional<ReferenceOrigin> origin_from_name(std::string_view name) {
  const auto* const known = std::ranges::find(origins, name, &decltype(origins)::value_type::second);
  if (known == origins.end()) return std::nullopt;
  return known->first;
}

const ReferenceMeasurement* find_reference(const std::vector<ReferenceMeasurement>& accepted, ByteView value) {
  for (const ReferenceMeasurement& reference : accepted) {
    if (constant_time_equal(reference.value, value)) return &reference;
  }
  return nullptr;
}

bool any_equal(const std::vector<Bytes>& accepted, ByteView value) {
  return std::ranges::any_of(accepted, [&](const Bytes& one) { return constant_time_equal(one, value); });
}

}  // namespace attestd
