#include "agent/statement_builder.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "agent/provisioning.h"
#include "base/file.h"

namespace attestd::agent {

StorageClaim storage_claim(const hwio::MountedVolume& volume) {
  const bool encrypted = std::any_of(volume.layers.begin(), volume.layers.end(),
                                     [](const std::string& layer) { return layer.starts_with("crypt"); });
  return {volume.mount_point, volume.source, volume.filesystem,
          volume.read_only,   volume.layers, encrypted ? "unknown" : "none"};
}

Surroundings read_surroundings(HostKeys& host_keys) {
  Surroundings out;
  out.host_keys = host_keys.current();
  // Not our own table: a unit's sandbox hides mounts and calls others read-only.
  if (const auto volumes = hwio::read_mounted_volumes("/proc/1/mountinfo", "/sys/dev/block")) {
    out.storage.emplace();
    std::transform(volumes->begin(), volumes->end(), std::back_inserter(*out.storage), storage_claim);
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
  statement.ak_name = ak_name;
  statement.storage = surroundings.storage;
  statement.provisioning = surroundings.provisioning;
  statement.platform = platform;
  return statement;
}

}  // namespace attestd::agent
