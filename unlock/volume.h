// One volume: its header judged, its key fetched, and both handed over.
#pragma once

#include <functional>
#include <string>

#include "luks/copy.h"
#include "unlock/release.h"
#include "unlock/settings.h"

namespace attestd::unlock {

struct Volume {
  std::string name;    // as systemd-cryptsetup has it
  std::string device;  // "/dev/disk/by-uuid/…"
  std::string uuid;    // that the header must have; empty: any
};

// Where things are; tests aim them elsewhere.
struct Places {
  std::string headers = "/run/attestd/headers";  // copies of judged headers, on tmpfs
  std::string origins = "/run/attestd/origins";  // what each volume was unlocked by, for the agent
};

// The device's header as it is now. Errors: those of luks::read_device_header(), refused (it is not one that a key
// may be given to: luks/validate.h).
// `pinned`: hex of the digest that it must have, or empty.
Result<luks::DeviceHeader> judge_header(const Volume& volume, const std::string& pinned);

// What is told while it is tried again: one sentence.
using Tell = std::function<void(const std::string&)>;
using Sleep = std::function<void(std::chrono::milliseconds)>;
using Now = std::function<std::chrono::steady_clock::time_point()>;
struct Patience {
  Tell tell;
  Sleep sleep;
  Now now;
};
// Tries, with backoff (0.5 s, doubled up to 15 s), until the budget is spent. `attempt` is given a Fetch none of whose
// exchanges goes on beyond the end. Errors: that of the last try; refused at once where another try would end alike.
using Attempt = std::function<Result<SecretBytes>(const Fetch&)>;
Result<SecretBytes> try_with_patience(std::chrono::milliseconds budget, const Patience& patience, const Fetch& fetch,
                                      const Attempt& attempt);
// A release from the relying party, by that.
Result<SecretBytes> fetch_with_patience(const Settings& settings, const ReleaseRequest& request,
                                        const Attester& attester, const Patience& patience,
                                        const Fetch& fetch = https_fetch);

// "default/luks/UUID" where the settings name no resource.
std::string resource_of(const Settings& settings, const std::string& uuid);

// Writes down what the volume was unlocked by: {"uuid", "name", "key_origin": "broker" or "vtpm", "resource",
// "header_sha256"}, and of a note that a first boot left there how the volume was made: {"first_boot": "encrypted" or
// "formatted", "image_sha256"}. Errors: those of replace_file().
struct Origin {
  std::string uuid;
  std::string name;  // Volume::name: the note is about what is mapped as this
  std::string key_origin;
  std::string resource;
  FixedBytes<luks::canonical_digest_size> header_sha256{};
};
Result<void> write_origin(const Places& places, const Origin& origin);

// How a volume was made in this boot, for write_origin() to take over.
struct Beginning {
  std::string first_boot;                      // "encrypted", "formatted"
  std::optional<FixedBytes<32>> image_sha256;  // of what was encrypted
};
Result<void> write_beginning(const Places& places, const std::string& uuid, const Beginning& beginning);

}  // namespace attestd::unlock
