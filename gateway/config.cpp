#include "gateway/config.h"

#include "base/settings_internal.h"
#include "net/server_limits_internal.h"

namespace attestd::gateway {
namespace {

using namespace settings;

std::vector<Key> keys_of(Config& config) {
  using daemon::Priority;
  Config::Limits& limits = config.limits;
  std::vector<Key> keys{
      {"gateway", "listen", list<std::string>(config.listen, [](std::string& item) { return text(item); })},
      {"gateway", "agent", absolute_path(config.agent, false)},
      {"gateway", "status-max-age", duration(config.status_max_age)},
      {"tls", "certificate", absolute_path(config.tls.certificate, true)},
      {"tls", "key", absolute_path(config.tls.key, true)},
      {"limits", "agent-timeout", duration(limits.agent_timeout)},
      {"log", "level", choice<Priority>(config.log_level, daemon::log_levels())},
  };
  net::add_limits(keys, limits);
  return keys;
}

}  // namespace

Result<Config> parse_config(std::string_view toml, std::string_view name) {
  Config config;
  ATTESTD_CHECK(apply_settings(toml, name, keys_of(config)));
  if (config.tls.certificate.empty() != config.tls.key.empty()) {
    return fail(Errc::malformed, std::string(name) + ": tls.certificate and tls.key go together");
  }
  if (config.listen.empty()) return fail(Errc::malformed, std::string(name) + ": gateway.listen must not be empty");
  return config;
}

Result<Config> load_config(const std::string& path) { return load_settings(path, parse_config); }

}  // namespace attestd::gateway
