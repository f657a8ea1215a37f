#include "unlock/volume.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/json_internal.h"
#include "luks/validate.h"

namespace attestd::unlock {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr milliseconds first_wait{500};
constexpr milliseconds longest_wait{15000};
constexpr unsigned folder_mode = 0755;
constexpr unsigned file_mode = 0444;  // nothing in it is secret
constexpr std::size_t note_limit = 4096;

std::string in_seconds(milliseconds wait) {
  const auto tenths = (wait.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string note_of(const Places& places, const std::string& uuid) { return places.origins + "/" + uuid + ".json"; }

Result<void> write_note(const Places& places, const std::string& uuid, const boost::json::object& note) {
  if (::mkdir(places.origins.c_str(), folder_mode) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the folder " + places.origins);
  }
  return replace_file(note_of(places, uuid), as_bytes(boost::json::serialize(note) + "\n"), file_mode);
}

}  // namespace

Result<luks::DeviceHeader> judge_header(const Volume& volume, const std::string& pinned) {
  ATTESTD_TRY(luks::DeviceHeader header, luks::read_device_header(volume.device, luks::Until::last_keyslot));
  luks::Expectation expectation = luks::unlock_expectation();
  expectation.uuid = volume.uuid;
  if (!pinned.empty()) {
    ATTESTD_TRY(const Bytes digest, from_hex(pinned));
    auto& wanted = expectation.canonical_digest.emplace();
    if (digest.size() != wanted.size()) return fail(Errc::usage, "the pinned digest of a header has not 32 bytes");
    std::ranges::copy(digest, wanted.begin());
  }
  if (auto valid = luks::require_valid(header.header, expectation); !valid) {
    return std::unexpected(std::move(valid).error().in("the LUKS2 header of " + volume.device + " is refused"));
  }
  return header;
}

std::string resource_of(const Settings& settings, const std::string& uuid) {
  return settings.resource.empty() ? "default/luks/" + uuid : settings.resource;
}

Result<SecretBytes> try_with_patience(milliseconds budget, const Patience& patience, const Fetch& fetch,
                                      const Attempt& attempt) {
  const auto deadline = patience.now() + budget;
  milliseconds wait = first_wait;
  // No request of a try goes on beyond the end.
  const Fetch in_time = [&](const FetchRequest& asked) -> Result<FetchResponse> {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - patience.now());
    if (left <= milliseconds(0)) return fail(Errc::timed_out, asked.peer + " gave no answer in time");
    FetchRequest limited = asked;
    limited.timeout = std::min(limited.timeout, left);
    return fetch(limited);
  };
  for (;;) {
    auto secret = attempt(in_time);
    if (secret || !may_pass(secret.error())) return secret;
    if (patience.now() + wait >= deadline) {
      secret.error().message += "; the " + std::to_string(std::chrono::duration_cast<seconds>(budget).count()) +
                                " s that it may take are over";
      return secret;
    }
    patience.tell(secret.error().text() + "; the next try is in " + in_seconds(wait));
    patience.sleep(wait);
    wait = std::min(2 * wait, longest_wait);
  }
}

Result<SecretBytes> fetch_with_patience(const Settings& settings, const ReleaseRequest& request,
                                        const Attester& attester, const Patience& patience, const Fetch& fetch) {
  return try_with_patience(settings.budget, patience, fetch,
                           [&](const Fetch& in_time) { return fetch_secret(request, attester, in_time); });
}

Result<void> write_origin(const Places& places, const Origin& origin) {
  boost::json::object out{{"uuid", origin.uuid}, {"name", origin.name}, {"key_origin", origin.key_origin}};
  if (!origin.resource.empty()) out["resource"] = origin.resource;
  out["header_sha256"] = to_hex(origin.header_sha256);
  const auto before = read_file(note_of(places, origin.uuid), note_limit);
  if (const auto note = before ? parse_json(as_text(*before)) : std::unexpected(before.error());
      note && note->is_object()) {
    for (const std::string_view name : {"first_boot", "image_sha256"}) {
      if (const auto* const value = note->as_object().if_contains(name)) out[name] = *value;
    }
  }
  return write_note(places, origin.uuid, out);
}

Result<void> write_beginning(const Places& places, const std::string& uuid, const Beginning& beginning) {
  boost::json::object out{{"uuid", uuid}, {"first_boot", beginning.first_boot}};
  if (beginning.image_sha256) out["image_sha256"] = to_hex(*beginning.image_sha256);
  return write_note(places, uuid, out);
}

}  // namespace attestd::unlock
