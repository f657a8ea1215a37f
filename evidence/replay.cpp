#include <algorithm>

#include "evidence/event_log.h"

namespace attestd {
namespace {

constexpr unsigned pcr_count = 24;

const EventDigest* digest_of(const std::vector<EventDigest>& digests, HashAlgorithm bank) {
  const auto found = std::ranges::find(digests, bank, &EventDigest::algorithm);
  return found == digests.end() ? nullptr : &*found;
}

void extend(PcrBank& values, HashAlgorithm bank, unsigned index, ByteView event_digest) {
  const auto [place, added] = values.try_emplace(index);
  if (added) place->second = pcr_initial_value(bank, index);
  pcr_extend(bank, place->second, event_digest);
}

}  // namespace

PcrBank replay(const EventLog& log, HashAlgorithm bank) {
  PcrBank values;
  if (!hash_available(bank)) return values;
  // A bank that the log's header does not list has nothing to replay, not even PCR 0.
  if (std::ranges::find(log.algorithms, bank) == log.algorithms.end()) return values;
  Bytes& pcr0 = values[0];
  pcr0 = pcr_initial_value(bank, 0);
  pcr0.back() = std::byte{log.startup_locality};
  for (const Event& event : log.events) {
    // EV_NO_ACTION is never extended (PFP 1.06 section 10.4.5); an index outside
    // the PCRs is 0xffffffff in such events and extends nothing in any other.
    if (event.type == ev_no_action || event.register_index >= pcr_count) continue;
    // An event without a digest for this bank leaves the bank as it is: when the
    // bank was active in truth, the replay differs from the quote and is refused.
    if (const EventDigest* const found = digest_of(event.digests, bank)) {
      extend(values, bank, event.register_index, found->value);
    }
  }
  return values;
}

void replay(const std::vector<UserspaceEvent>& events, HashAlgorithm bank, PcrBank& values) {
  if (!hash_available(bank)) return;
  for (const UserspaceEvent& event : events) {
    if (const EventDigest* const found = digest_of(event.digests, bank)) {
      extend(values, bank, event.pcr, found->value);
    }
  }
}

}  // namespace attestd
