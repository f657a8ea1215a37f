#include "agent/statement_builder.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "agent/mapped_volumes.h"
#include "agent/provisioning.h"
#include "base/encoding.h"
#include "base/file.h"
#include "evidence/json_internal.h"

namespace attestd::agent {

namespace {

// What a note says.
struct Noted {
  std::string key_origin;
  std::string resource;
  std::string first_boot;
  Bytes image_sha256;
};

// Of a volume that was made in this boot; whatever is not as attestd-unlock writes it is left out.
void read_beginning(const JsonMembers& note, Noted& out) {
  constexpr std::size_t sha256_size = 32;
  const auto first = note.optional_string("first_boot");
  if (!first || (*first != "encrypted" && *first != "formatted")) return;
  out.first_boot = *first;
  const auto hex = note.optional_string("image_sha256");
  const auto image = hex ? from_hex(*hex) : std::unexpected(hex.error());
  if (image && image->size() == sha256_size) out.image_sha256 = *image;
}

// The note on a volume, or nothing. Another disk may have its UUID, so that the name must be the noted one too.
std::optional<Noted> read_note(const std::string& folder, const hwio::LuksVolume& volume) {
  constexpr std::size_t limit = 4096;
  const std::string path = folder + "/" + volume.uuid + ".json";
  struct stat of_folder = {};
  struct stat of_note = {};
  if (::stat(folder.c_str(), &of_folder) != 0 || ::lstat(path.c_str(), &of_note) != 0 || !S_ISREG(of_note.st_mode) ||
      !only_we_may_write(of_folder) || !only_we_may_write(of_note)) {
    return std::nullopt;
  }
  const auto bytes = read_file(path, limit);
  const auto value = bytes ? parse_json(as_text(*bytes)) : std::unexpected(bytes.error());
  if (!value) return std::nullopt;
  const auto members = JsonMembers::of(*value, path);
  const auto uuid = members ? members->string("uuid") : std::unexpected(members.error());
  const auto name = members ? members->string("name") : std::unexpected(members.error());
  const auto origin = members ? members->string("key_origin") : std::unexpected(members.error());
  const auto resource = members ? members->optional_string("resource") : std::unexpected(members.error());
  if (!uuid || !name || hwio::LuksVolume{*uuid, *name} != volume) return std::nullopt;
  if (!origin || (*origin != "broker" && *origin != "vtpm") || !resource) return std::nullopt;
  Noted out{.key_origin = *origin, .resource = *resource, .first_boot = {}, .image_sha256 = {}};
  read_beginning(*members, out);
  return out;
}

}  // namespace

StorageClaim storage_claim(const hwio::MountedVolume& volume, const std::string& origins) {
  const bool encrypted = std::any_of(volume.layers.begin(), volume.layers.end(),
                                     [](const std::string& layer) { return layer.starts_with("crypt"); });
  std::optional<Noted> note;
  // With several in the stack, who knows which of them protects what.
  if (encrypted && volume.luks.size() == 1) note = read_note(origins, volume.luks.front());
  StorageClaim out{volume.mount_point, volume.source, volume.filesystem,
                   volume.read_only,   volume.layers, encrypted ? "unknown" : "none"};
  if (note) {
    out.key_origin = std::move(note->key_origin);
    out.key_resource = std::move(note->resource);
    out.first_boot = std::move(note->first_boot);
    out.image_sha256 = std::move(note->image_sha256);
  }
  return out;
}

namespace {

// Nothing is asked where nothing is mapped.
Result<void> add_mappings(const std::vector<hwio::MountedVolume>& volumes, std::vector<StorageClaim>& claims) {
  const bool any = std::ranges::any_of(volumes, [](const hwio::MountedVolume& one) { return !one.mapped.empty(); });
  std::vector<MappedDeviceReport> devices;
  if (any) {
    ATTESTD_TRY(devices, ask_for_mapped_devices(std::string(volumes_socket)));
  }
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    ATTESTD_TRY(claims[i].mappings, mappings_of_volume(volumes[i], devices));
  }
  return {};
}

}  // namespace

Surroundings read_surroundings(HostKeys& host_keys) {
  Surroundings out;
  out.host_keys = host_keys.current();
  // Not our own table: a unit's sandbox hides mounts and calls others read-only.
  if (const auto volumes = hwio::read_mounted_volumes("/proc/1/mountinfo", "/sys/dev/block")) {
    out.storage.emplace();
    std::transform(
        volumes->begin(), volumes->end(), std::back_inserter(*out.storage),
        [](const hwio::MountedVolume& volume) { return storage_claim(volume, std::string(origins_folder)); });
    if (const auto added = add_mappings(*volumes, *out.storage); !added) out.mapping_problem = added.error().text();
  } else {
    out.storage_problem = volumes.error().text();
  }
  out.provisioning = read_provisioning("");
  return out;
}

std::string read_boot_id() {
  const auto bytes = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!bytes) return {};
  const std::string_view text = as_text(*bytes);
  return std::string(text.substr(0, text.find('\n')));
}

Statement build_statement(const EvidenceRequest& request, const Surroundings& surroundings,
                          const PlatformClaim& platform, const std::string& boot_id, const Bytes& ak_name) {
  Statement statement;
  statement.purpose = request.purpose;
  statement.nonce = request.nonce;
  statement.issued_at =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  timespec uptime{};
  if (::clock_gettime(CLOCK_BOOTTIME, &uptime) == 0) {
    statement.uptime_ms =
        static_cast<std::uint64_t>(uptime.tv_sec) * 1000U + static_cast<std::uint64_t>(uptime.tv_nsec) / 1000000U;
  }
  statement.boot_id = boot_id;
  for (const HostKey& key : surroundings.host_keys.keys) statement.ssh_host_keys.push_back(key.key);
  statement.channel = request.channel;
  statement.peer = request.peer;
  statement.workload = request.workload;
  statement.unlock = request.unlock;
  statement.ak_name = ak_name;
  statement.storage = surroundings.storage;
  statement.provisioning = surroundings.provisioning;
  statement.platform = platform;
  return statement;
}

}  // namespace attestd::agent
