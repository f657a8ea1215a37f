#include "agent/config.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>

#include "agent/platform.h"
#include "base/file.h"
#include "base/settings_internal.h"
#include "evidence/digest.h"

namespace attestd::agent {
namespace {

using namespace settings;

constexpr unsigned last_pcr = 23;
constexpr unsigned last_vmpl = 3;

Setter bank(std::uint16_t& target) {
  return [&target](const toml::node& node) -> Result<void> {
    std::string name;
    ATTESTD_CHECK(text(name)(node));
    const auto algorithm = hash_from_name(name);
    if (!algorithm) return fail(Errc::malformed, "\"" + name + "\" is not a hash algorithm");
    target = static_cast<std::uint16_t>(*algorithm);
    return {};
  };
}

std::vector<std::pair<std::string_view, std::string>> platform_choices() {
  std::vector<std::pair<std::string_view, std::string>> out{{"auto", "auto"}};
  for (const std::string_view name : platform_names()) out.emplace_back(name, name);
  return out;
}

std::vector<Key> keys_of(Config& config) {
  using Backend = SnpBackend;
  return {
      {"api", "socket", absolute_path(config.api.socket, false)},
      {"api", "max-connections", number(config.api.max_connections, 1, 100000)},
      {"api", "request-timeout", duration(config.api.request_timeout)},
      {"api", "idle-timeout", duration(config.api.idle_timeout)},
      {"api", "cached-evidence-max-age", duration(config.api.cached_evidence_max_age)},
      {"api", "channel-group", text(config.api.channel_group)},
      {"platform", "name", choice<std::string>(config.platform.name, platform_choices())},
      {"snp", "backend",
       choice<Backend>(config.snp.backend, {{"auto", Backend::automatic},
                                            {"configfs-tsm", Backend::configfs_tsm},
                                            {"sev-guest", Backend::sev_guest},
                                            {"off", Backend::off}})},
      {"snp", "configfs", absolute_path(config.snp.configfs, false)},
      {"snp", "device", absolute_path(config.snp.device, false)},
      {"snp", "vmpl", number(config.snp.vmpl, 0, last_vmpl)},
      {"tdx", "backend",
       choice<TdxBackend>(
           config.tdx.backend,
           {{"auto", TdxBackend::automatic}, {"configfs-tsm", TdxBackend::configfs_tsm}, {"off", TdxBackend::off}})},
      {"tdx", "configfs", absolute_path(config.tdx.configfs, false)},
      {"tdx", "device", absolute_path(config.tdx.device, true)},
      {"tdx", "event-log", absolute_path(config.tdx.event_log, true)},
      {"tdx", "measurements", absolute_path(config.tdx.measurements, false)},
      {"azure", "metadata-service", url(config.azure.metadata_service, false)},
      {"azure", "timeout", duration(config.azure.timeout)},
      {"azure", "key-service", url(config.azure.key_service, true)},
      {"azure", "user-data", flag(config.azure.user_data)},
      {"gcp", "ak-chain", absolute_path(config.gcp.ak_chain, true)},
      {"tpm", "tcti", text(config.tpm.tcti)},
      {"tpm", "banks", list<std::uint16_t>(config.tpm.banks, bank)},
      {"tpm", "pcrs", list<unsigned>(config.tpm.pcrs, [](unsigned& pcr) { return number(pcr, 0, last_pcr); })},
      {"nitro", "tcti", text(config.nitro.tcti)},
      {"event-log", "firmware", absolute_path(config.event_log.firmware, true)},
      {"event-log", "userspace", absolute_path(config.event_log.userspace, true)},
      {"ssh", "sshd", absolute_path(config.ssh.sshd, true)},
      {"ssh", "config", absolute_path(config.ssh.config, true)},
      {"ssh", "host-keys",
       list<std::string>(config.ssh.host_keys, [](std::string& path) { return absolute_path(path, false); })},
      {"collection", "timeout", duration(config.collection.timeout)},
      {"batching", "enabled", flag(config.batching.enabled)},
      {"batching", "max", number(config.batching.max, 1, 65536)},
      {"log", "level", choice<daemon::Priority>(config.log.level, daemon::log_levels())},
  };
}

}  // namespace

Result<Config> parse_config(std::string_view toml, std::string_view name) {
  Config config;
  ATTESTD_CHECK(apply_settings(toml, name, keys_of(config)));
  if (config.tpm.tcti.empty()) return fail(Errc::malformed, std::string(name) + ": tpm.tcti must not be empty");
  if (config.tpm.banks.empty() || config.tpm.pcrs.empty()) {
    return fail(Errc::malformed, std::string(name) +
                                     ": tpm.banks and tpm.pcrs must not be empty; tcti = \"off\" "
                                     "leaves the TPM out");
  }
  return config;
}

Result<Config> load_config(const std::string& path) { return load_settings(path, parse_config); }

}  // namespace attestd::agent
