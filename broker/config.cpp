#include "broker/config.h"

#include "base/environment.h"
#include "base/settings_internal.h"
#include "net/server_limits_internal.h"

namespace attestd::broker {
namespace {

using namespace settings;

constexpr unsigned least_body = 64U << 10U;  // bytes; evidence is that long
constexpr unsigned most_recorded = 1000000;  // refusals
constexpr unsigned most_body = 64U << 20U;

std::vector<Key> keys_of(Config& config) {
  Config::Limits& limits = config.limits;
  std::vector<Key> keys{
      {"broker", "name", text(config.name)},
      {"broker", "listen", list<std::string>(config.listen, [](std::string& item) { return text(item); })},
      {"broker", "database", text(config.database)},
      {"broker", "master-key", absolute_path(config.master_key, true)},
      {"broker", "key-cache", absolute_path(config.key_cache, true)},
      {"broker", "threads", number(config.threads, 0, 1024)},
      {"tls", "certificate", absolute_path(config.tls.certificate, true)},
      {"tls", "key", absolute_path(config.tls.key, true)},
      {"protocol", "challenge-lifetime", duration(config.challenge_lifetime)},
      {"protocol", "token-lifetime", duration(config.token_lifetime)},
      {"limits", "refusals-recorded-per-address", number(limits.refusals_recorded_per_address, 1, most_recorded)},
      {"limits", "refusals-recorded", number(limits.refusals_recorded, 1, most_recorded)},
      {"limits", "body", number(limits.body, least_body, most_body)},
      {"log", "level", choice<daemon::Priority>(config.log_level, daemon::log_levels())},
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
  if (config.challenge_lifetime < std::chrono::seconds(1) || config.token_lifetime < std::chrono::seconds(1)) {
    return fail(Errc::out_of_range, std::string(name) + ": lifetimes in [protocol] are of one second at least");
  }
  if (config.listen.empty()) return fail(Errc::malformed, std::string(name) + ": broker.listen must not be empty");
  return config;
}

Result<Config> load_config(const std::string& path) { return load_settings(path, parse_config); }

Result<std::string> master_key_path(const Config& config) {
  if (!config.master_key.empty()) return config.master_key;
  const std::string folder = folder_variable("CREDENTIALS_DIRECTORY");
  if (!folder.empty()) return folder + "/" + std::string(master_key_credential);
  return fail(Errc::not_found,
              "there is no master key: name its file with master-key in [broker], or give the service the credential " +
                  std::string(master_key_credential));
}

}  // namespace attestd::broker
