#include "evidence/event_log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace attestd {
namespace {

constexpr std::size_t max_events = 65536;
constexpr std::size_t max_event_size = std::size_t{16} << 20U;
// More banks than the TCG registry has algorithms for is nonsense.
constexpr std::uint32_t max_algorithms = 32;
constexpr std::string_view spec_id_signature{"Spec ID Event03\0", 16};
constexpr std::string_view startup_locality_signature{"StartupLocality\0", 16};

// Digest sizes by TPM_ALG_ID as the SpecID header gives them: with these an
// event's digests of algorithms unknown to us can still be stepped over.
using DigestSizes = std::vector<std::pair<std::uint16_t, std::uint16_t>>;

bool starts_with(ByteView bytes, std::string_view prefix) { return as_text(bytes).starts_with(prefix); }

// The log's area is larger than the log; firmware fills the rest with 0xff or
// with zeros. Only a rest that is wholly one of the two is padding: anything else
// after the last event is an event, well-formed or not. The price is that an
// all-zero rest is never read as an event of type 0 with no data: such a thing
// (TCG_PCR_EVENT2 with no digests, or an all-zero SHA-1) measures nothing real.
// Found once, from the end: a look ahead at each event would be quadratic.
std::size_t padding_start(ByteView bytes) {
  if (bytes.empty() || (bytes.back() != std::byte{0xff} && bytes.back() != std::byte{0})) return bytes.size();
  std::size_t start = bytes.size();
  while (start > 0 && bytes[start - 1] == bytes.back()) --start;
  return start;
}

Result<Bytes> event_data(Reader& reader) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint32_t size, reader.le32("event size"));
  if (size > max_event_size) return fail_at(Errc::out_of_range, at, "event has over 16 MiB of data");
  ATTESTD_TRY(const ByteView data, reader.take(size, "event data"));
  return to_bytes(data);
}

// TCG_PCR_EVENT (PFP 1.06 section 10.2.1).
Result<Event> legacy_event(Reader& reader) {
  Event event;
  event.offset = reader.offset();
  ATTESTD_TRY(event.register_index, reader.le32("register index"));
  ATTESTD_TRY(event.type, reader.le32("event type"));
  ATTESTD_TRY(const ByteView value, reader.take(hash_size(HashAlgorithm::sha1), "SHA-1 digest"));
  event.digests.push_back({HashAlgorithm::sha1, to_bytes(value)});
  ATTESTD_TRY(event.data, event_data(reader));
  return event;
}

// TCG_PCR_EVENT2 (PFP 1.06 section 10.2.2).
Result<Event> agile_event(Reader& reader, const DigestSizes& sizes) {
  Event event;
  event.offset = reader.offset();
  ATTESTD_TRY(event.register_index, reader.le32("register index"));
  ATTESTD_TRY(event.type, reader.le32("event type"));
  const std::size_t count_at = reader.offset();
  ATTESTD_TRY(const std::uint32_t count, reader.le32("digest count"));
  // Fewer digests than banks occurs in the wild (the bank then does not replay,
  // which a quote shows); more cannot be right.
  if (count > sizes.size()) {
    return fail_at(Errc::malformed, count_at, "event has more digests than the header has algorithms");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    ATTESTD_TRY(const std::uint16_t id, reader.le16("digest algorithm"));
    const auto known = std::ranges::find(sizes, id, &DigestSizes::value_type::first);
    if (known == sizes.end()) {
      return fail_at(Errc::malformed, at, "digest of an algorithm that the header does not list");
    }
    ATTESTD_TRY(const ByteView value, reader.take(known->second, "digest"));
    const auto algorithm = hash_from_id(id);
    if (!algorithm) continue;  // stepped over; no bank of ours is affected
    const bool again = std::ranges::find(event.digests, *algorithm, &EventDigest::algorithm) != event.digests.end();
    if (again) return fail_at(Errc::malformed, at, "event has two digests of one algorithm");
    event.digests.push_back({*algorithm, to_bytes(value)});
  }
  ATTESTD_TRY(event.data, event_data(reader));
  return event;
}

// TCG_EfiSpecIDEvent (PFP 1.06 section 10.4.5.1).
Result<DigestSizes> spec_id(const Event& event, EventLog& log) {
  // TCG_PCR_EVENT has 32 bytes before its data.
  Reader reader(event.data, event.offset + 32);
  ATTESTD_CHECK(reader.skip(spec_id_signature.size() + 4 + 4, "specification ID"));
  const std::size_t count_at = reader.offset();
  ATTESTD_TRY(const std::uint32_t count, reader.le32("number of algorithms"));
  if (count == 0 || count > max_algorithms) {
    return fail_at(Errc::out_of_range, count_at, "header lists " + std::to_string(count) + " algorithms");
  }
  DigestSizes sizes;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    ATTESTD_TRY(const std::uint16_t id, reader.le16("algorithm"));
    ATTESTD_TRY(const std::uint16_t size, reader.le16("digest size"));
    if (std::ranges::find(sizes, id, &DigestSizes::value_type::first) != sizes.end()) {
      return fail_at(Errc::malformed, at, "header lists an algorithm twice");
    }
    const auto algorithm = hash_from_id(id);
    if (algorithm && size != hash_size(*algorithm)) {
      return fail_at(
          Errc::malformed, at,
          "header gives " + std::string(hash_name(*algorithm)) + " digests of " + std::to_string(size) + " bytes");
    }
    sizes.emplace_back(id, size);
    if (algorithm) log.algorithms.push_back(*algorithm);
  }
  return sizes;  // vendorInfo follows; nobody needs it
}

// PFP 1.06 section 10.4.5.3: the locality of TPM2_Startup is the last byte of PCR
// 0's initial value (TPM 2.0 part 3 section 9.3: 3, or 4 when an H-CRTM ran).
// Other values cannot occur, and two different ones cannot both be true.
Result<void> take_locality(const Event& event, bool& seen, EventLog& log) {
  if (event.type != ev_no_action || !starts_with(event.data, startup_locality_signature)) return {};
  if (event.data.size() <= startup_locality_signature.size()) {
    return fail_at(Errc::truncated, event.offset, "StartupLocality event has no locality");
  }
  const auto locality = std::to_integer<std::uint8_t>(event.data[startup_locality_signature.size()]);
  if (locality != 0 && locality != 3 && locality != 4) {
    return fail_at(Errc::out_of_range, event.offset, "startup locality " + std::to_string(locality));
  }
  if (seen && locality != log.startup_locality) {
    return fail_at(Errc::malformed, event.offset, "two StartupLocality events that differ");
  }
  seen = true;
  log.startup_locality = locality;
  return {};
}

}  // namespace

Result<EventLog> parse_event_log(ByteView bytes) {
  EventLog log;
  Reader reader(bytes);
  DigestSizes sizes;
  bool locality_seen = false;
  const std::size_t padding = padding_start(bytes);
  while (!reader.empty()) {
    if (reader.offset() >= padding) {
      log.padding = reader.remaining();
      break;
    }
    if (log.events.size() == max_events) {
      return fail_at(Errc::out_of_range, reader.offset(), "log has over 65536 events");
    }
    ATTESTD_TRY(Event event, log.crypto_agile ? agile_event(reader, sizes) : legacy_event(reader));
    // Only the first event decides: a SpecID further down is data like any other.
    if (log.events.empty() && event.type == ev_no_action && starts_with(event.data, spec_id_signature)) {
      ATTESTD_TRY(sizes, spec_id(event, log));
      log.crypto_agile = true;
    }
    ATTESTD_CHECK(take_locality(event, locality_seen, log));
    log.events.push_back(std::move(event));
  }
  if (log.events.empty()) return fail_at(Errc::truncated, 0, "log has no events");
  // Without a SpecID03 header (TCG EFI Protocol 1.0's format) the log covers SHA-1 only.
  if (!log.crypto_agile) log.algorithms = {HashAlgorithm::sha1};
  return log;
}

}  // namespace attestd
