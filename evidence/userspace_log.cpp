#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "base/encoding.h"
#include "evidence/event_log.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

constexpr char record_separator = '\x1e';
constexpr std::size_t max_records = 65536;
constexpr std::size_t max_digests = 32;
constexpr std::uint64_t max_pcr = 23;

Result<std::vector<EventDigest>> record_digests(const JsonMembers& record) {
  ATTESTD_TRY(const boost::json::array* const list, record.array("digests", max_digests));
  std::vector<EventDigest> out;
  for (const boost::json::value& element : *list) {
    ATTESTD_TRY(const JsonMembers members, JsonMembers::of(element, record.place("digests")));
    ATTESTD_TRY(const std::string name, members.string("hashAlg"));
    const auto algorithm = hash_from_name(name);
    if (!algorithm) continue;  // a bank that we do not handle; the others stand
    ATTESTD_TRY(const std::string hex, members.string("digest"));
    auto value = from_hex(hex);
    if (!value) return std::unexpected(std::move(value).error().in(members.place("digest")));
    if (value->size() != hash_size(*algorithm)) {
      return fail(Errc::out_of_range, members.place("digest") + " has the wrong size for " + name);
    }
    if (std::ranges::find(out, *algorithm, &EventDigest::algorithm) != out.end()) {
      return fail(Errc::malformed, record.place("digests") + " has two of " + name);
    }
    out.push_back({*algorithm, *std::move(value)});
  }
  return out;
}

Result<UserspaceEvent> parse_record(std::string_view text) {
  ATTESTD_TRY(const boost::json::value document, parse_json(text));
  ATTESTD_TRY(const JsonMembers record, JsonMembers::of(document, "record"));
  UserspaceEvent event;
  event.json = std::string(text);
  // systemd also records NvPCR and other registers under other members; only PCR
  // records replay, and one without "pcr" is refused rather than passed over.
  ATTESTD_TRY(const std::uint64_t pcr, record.unsigned_integer("pcr", max_pcr));
  event.pcr = static_cast<unsigned>(pcr);
  ATTESTD_TRY(event.digests, record_digests(record));
  // "content" is for people, its members vary with systemd's version.
  if (const boost::json::value* const content = record.find("content"); content != nullptr && content->is_object()) {
    ATTESTD_TRY(const JsonMembers members, JsonMembers::of(*content, "record.content"));
    ATTESTD_TRY(event.event_type, members.optional_string("eventType"));
    ATTESTD_TRY(event.string, members.optional_string("string"));
  }
  return event;
}

}  // namespace

Result<std::vector<UserspaceEvent>> parse_userspace_log(ByteView bytes) {
  std::vector<UserspaceEvent> events;
  std::string_view rest = as_text(bytes);
  // RFC 7464 section 2: each record is RS, a JSON text, LF. A record without its
  // LF was cut short while it was written: its measurement may or may not have
  // happened, so the log as a whole is refused as truncated.
  while (!rest.empty()) {
    const std::size_t at = bytes.size() - rest.size();
    if (rest.front() != record_separator) return fail_at(Errc::malformed, at, "record does not start with RS (0x1e)");
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(record_separator), rest.size());
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end);
    if (text.empty()) continue;  // section 2.1: consecutive RS mean nothing
    if (text.back() != '\n') return fail_at(Errc::truncated, at, "record has no line feed at its end");
    text.remove_suffix(1);
    if (events.size() == max_records) return fail_at(Errc::out_of_range, at, "log has over 65536 records");
    auto event = parse_record(text);
    if (!event) {
      Error error = std::move(event).error();
      error.offset = at + 1 + error.offset.value_or(0);
      return std::unexpected(std::move(error));
    }
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace attestd
