#include "gateway/config.h"

#include "base/settings_internal.h"

namespace attestd::gateway {
namespace {

using namespace settings;

constexpr unsigned most = 100000;

std::vector<Key> keys_of(Config& config) {
  using agent::Priority;
  Config::Limits& limits = config.limits;
  return {
      {"gateway", "listen", list<std::string>(config.listen, [](std::string& item) { return text(item); })},
      {"gateway", "agent", absolute_path(config.agent, false)},
      {"gateway", "status-max-age", duration(config.status_max_age)},
      {"tls", "certificate", absolute_path(config.tls.certificate, true)},
      {"tls", "key", absolute_path(config.tls.key, true)},
      {"limits", "connections", number(limits.connections, 1, most)},
      {"limits", "connections-per-address", number(limits.connections_per_address, 1, most)},
      {"limits", "requests", number(limits.requests, 1, most)},
      {"limits", "requests-per-address", number(limits.requests_per_address, 1, most)},
      {"limits", "waiting", number(limits.waiting, 1, most)},
      {"limits", "waiting-per-address", number(limits.waiting_per_address, 1, most)},
      {"limits", "handshake-timeout", duration(limits.handshake_timeout)},
      {"limits", "request-timeout", duration(limits.request_timeout)},
      {"limits", "answer-timeout", duration(limits.answer_timeout)},
      {"limits", "idle-timeout", duration(limits.idle_timeout)},
      {"limits", "agent-timeout", duration(limits.agent_timeout)},
      {"log", "level", choice<Priority>(config.log_level, agent::log_levels())},
  };
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
