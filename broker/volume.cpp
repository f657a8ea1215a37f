#include "broker/volume.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace attestd::broker {
namespace {

Result<std::optional<HeaderDigests>> check_header(const HeaderDigests& known, const Sha256Digest& shown) {
  if (!known.header) return HeaderDigests{shown, known.next_header};
  if (constant_time_equal(*known.header, shown)) return std::nullopt;
  if (known.next_header && constant_time_equal(*known.next_header, shown)) return HeaderDigests{shown, std::nullopt};
  return fail(Errc::refused,
              "the volume's LUKS2 header has the digest " + to_hex(shown) + ", and " + to_hex(*known.header) +
                  " is enrolled: the disk was changed, or is an older copy (attest-broker volume forget)");
}

Result<std::optional<std::int64_t>> check_counter(std::int64_t known, const std::optional<std::uint64_t>& shown) {
  if (!shown) {
    if (known == 0) return std::nullopt;
    return fail(Errc::refused, "the evidence has no counter, and earlier evidence for this volume had");
  }
  const auto counter = static_cast<std::int64_t>(*shown);
  if (counter > known) return counter;
  return fail(Errc::refused, "the TPM's counter says " + std::to_string(counter) + " and has said " +
                                 std::to_string(known) + ": the TPM was set back to an older state");
}

}  // namespace

Result<VolumeUpdate> check_volume(const ResourceSettings& settings, const VolumeState& state,
                                  const std::optional<UnlockClaim::Volume>& claim) {
  if (!settings.volume) return VolumeUpdate{};
  if (!claim) return fail(Errc::refused, "the secret is a volume's key, and the evidence is for no volume");
  // RFC 4122, section 3.
  if (!equal_in_either_case(claim->uuid, *settings.volume)) {
    return fail(Errc::refused, "the secret is the key of volume " + *settings.volume +
                                   ", and the evidence is for volume " + claim->uuid);
  }
  Sha256Digest header{};
  if (claim->header_sha256.size() != header.size()) return fail(Errc::refused, "the evidence names no LUKS2 header");
  std::ranges::copy(claim->header_sha256, header.begin());
  VolumeUpdate out;
  ATTESTD_TRY(out.headers, check_header(state.headers, header));
  ATTESTD_TRY(out.counter, check_counter(state.counter, claim->counter));
  return out;
}

}  // namespace attestd::broker
