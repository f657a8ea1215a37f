#include "unlock/volume.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "base/encoding.h"
#include "base/file.h"
#include "luks/validate.h"

namespace attestd::unlock {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr milliseconds first_wait{500};
constexpr milliseconds longest_wait{15000};
constexpr unsigned folder_mode = 0755;
constexpr unsigned file_mode = 0444;  // nothing in it is secret

std::string in_seconds(milliseconds wait) {
  const auto tenths = (wait.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

Result<luks::DeviceHeader> judge_header(const Volume& volume, const std::string& pinned) {
  ATTESTD_TRY(luks::DeviceHeader header, luks::read_device_header(volume.device));
  luks::Expectation expectation;
  expectation.uuid = volume.uuid;
  if (!pinned.empty()) {
    ATTESTD_TRY(const Bytes digest, from_hex(pinned));
    auto& wanted = expectation.canonical_digest.emplace();
    if (digest.size() != wanted.size()) return fail(Errc::usage, "the pinned digest of a header has not 32 bytes");
    std::ranges::copy(digest, wanted.begin());
  }
  std::ranges::copy(luks::authenticated_ciphers(), std::back_inserter(expectation.ciphers));
  // The key that a relying party keeps is a random one.
  expectation.kdf = luks::random_key_rule();
  if (auto valid = luks::require_valid(header.header, expectation); !valid) {
    return std::unexpected(std::move(valid).error().in("the LUKS2 header of " + volume.device + " is refused"));
  }
  return header;
}

std::string resource_of(const Settings& settings, const std::string& uuid) {
  return settings.resource.empty() ? "default/luks/" + uuid : settings.resource;
}

Result<SecretBytes> fetch_with_patience(const Settings& settings, const ReleaseRequest& request,
                                        const Attester& attester, const Patience& patience, const Fetch& fetch) {
  const auto deadline = patience.now() + settings.budget;
  milliseconds wait = first_wait;
  // No request of a try goes on beyond the end.
  const Fetch in_time = [&](const FetchRequest& asked) -> Result<FetchResponse> {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - patience.now());
    if (left <= milliseconds(0)) return fail(Errc::timed_out, request.url + " gave no answer in time");
    FetchRequest limited = asked;
    limited.timeout = std::min(limited.timeout, left);
    return fetch(limited);
  };
  for (;;) {
    auto secret = fetch_secret(request, attester, in_time);
    if (secret || !may_pass(secret.error())) return secret;
    if (patience.now() + wait >= deadline) {
      secret.error().message += "; the " +
                                std::to_string(std::chrono::duration_cast<seconds>(settings.budget).count()) +
                                " s that it may take are over";
      return secret;
    }
    patience.tell(secret.error().text() + "; the next try is in " + in_seconds(wait));
    patience.sleep(wait);
    wait = std::min(2 * wait, longest_wait);
  }
}

Result<void> write_origin(const Places& places, const Origin& origin) {
  if (::mkdir(places.origins.c_str(), folder_mode) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the folder " + places.origins);
  }
  boost::json::object out{{"uuid", origin.uuid}, {"key_origin", origin.key_origin}};
  if (!origin.resource.empty()) out["resource"] = origin.resource;
  out["header_sha256"] = to_hex(origin.header_sha256);
  return replace_file(places.origins + "/" + origin.uuid + ".json", as_bytes(boost::json::serialize(out) + "\n"),
                      file_mode);
}

}  // namespace attestd::unlock
