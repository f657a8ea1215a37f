#include "agent/statement_builder.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "agent/provisioning.h"
#include "base/file.h"
#include "evidence/json_internal.h"

namespace attestd::agent {

namespace {

// The note on a volume, or nothing.
std::optional<std::string> noted_origin(const std::string& folder, const std::string& uuid) {
  constexpr std::size_t limit = 4096;
  const std::string path = folder + "/" + uuid + ".json";
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
  const auto noted = members ? members->string("uuid") : std::unexpected(members.error());
  const auto origin = members ? members->string("key_origin") : std::unexpected(members.error());
  if (!noted || *noted != uuid || !origin || (*origin != "broker" && *origin != "vtpm")) return std::nullopt;
  return *origin;
}

}  // namespace

StorageClaim storage_claim(const hwio::MountedVolume& volume, const std::string& origins) {
  const bool encrypted = std::any_of(volume.layers.begin(), volume.layers.end(),
                                     [](const std::string& layer) { return layer.starts_with("crypt"); });
  std::optional<std::string> origin;
  // With several in the stack, who knows which of them protects what.
  if (volume.luks_uuids.size() == 1) origin = noted_origin(origins, volume.luks_uuids.front());
  std::string otherwise = encrypted ? "unknown" : "none";
  return {volume.mount_point, volume.source, volume.filesystem,
          volume.read_only,   volume.layers, origin && encrypted ? *origin : otherwise};
}

Surroundings read_surroundings(HostKeys& host_keys) {
  Surroundings out;
  out.host_keys = host_keys.current();
  // Not our own table: a unit's sandbox hides mounts and calls others read-only.
  if (const auto volumes = hwio::read_mounted_volumes("/proc/1/mountinfo", "/sys/dev/block")) {
    out.storage.emplace();
    std::transform(
        volumes->begin(), volumes->end(), std::back_inserter(*out.storage),
        [](const hwio::MountedVolume& volume) { return storage_claim(volume, std::string(origins_folder)); });
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
