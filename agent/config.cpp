#include "agent/config.h"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>

#include "agent/platform.h"
#include "base/file.h"
#include "evidence/digest.h"

namespace attestd::agent {
namespace {

constexpr std::size_t config_limit = std::size_t{1} << 20U;  // bytes
constexpr std::size_t list_limit = 64;                       // items in an array
constexpr unsigned last_pcr = 23;
constexpr unsigned last_vmpl = 3;

std::unexpected<Error> wrong(std::string_view name, const toml::node& node, Errc code, const std::string& message) {
  return fail(code, std::string(name) + ":" + std::to_string(node.source().begin.line) + ": " + message);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  unsigned count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::chrono::milliseconds value{0};
  if (unit == "ms") {
    value = std::chrono::milliseconds(count);
  } else if (unit == "s") {
    value = std::chrono::seconds(count);
  } else if (unit == "m") {
    value = std::chrono::minutes(count);
  }
  if (error != std::errc() || value.count() == 0 || value > std::chrono::hours(1)) {
    return fail(Errc::out_of_range, "\"" + std::string(text) + R"(" is not a duration such as "500ms", "30s" or "2m")");
  }
  return value;
}

using Setter = std::function<Result<void>(const toml::node&)>;
struct Key {
  std::string_view table;
  std::string_view name;
  Setter set;
};

Setter text(std::string& target) {
  return [&target](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<std::string>();
    if (!value) return fail(Errc::malformed, "must be text");
    if (value->find('\0') != std::string::npos) return fail(Errc::malformed, "must not have a NUL character");
    target = *value;
    return {};
  };
}

Setter absolute_path(std::string& target, bool may_be_empty) {
  return [&target, may_be_empty](const toml::node& node) -> Result<void> {
    std::string value;
    ATTESTD_CHECK(text(value)(node));
    if (value.empty() ? !may_be_empty : value.front() != '/') {
      return fail(Errc::malformed, "must be an absolute path");
    }
    target = std::move(value);
    return {};
  };
}

// The base of URLs, without the slash that follows it.
Setter url(std::string& target, bool may_be_empty) {
  return [&target, may_be_empty](const toml::node& node) -> Result<void> {
    std::string value;
    ATTESTD_CHECK(text(value)(node));
    const bool known = value.starts_with("http://") || value.starts_with("https://");
    if (value.empty() ? !may_be_empty : !known || value.ends_with('/')) {
      return fail(Errc::malformed, "must be an http: or https: URL without a slash at its end");
    }
    target = std::move(value);
    return {};
  };
}

template <class T>
Setter number(T& target, unsigned low, unsigned high) {
  return [&target, low, high](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return fail(Errc::malformed, "must be a whole number");
    if (*value < std::int64_t{low} || *value > std::int64_t{high}) {
      return fail(Errc::out_of_range, "must be " + std::to_string(low) + " to " + std::to_string(high));
    }
    target = static_cast<unsigned>(*value);
    return {};
  };
}

Setter flag(bool& target) {
  return [&target](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<bool>();
    if (!value) return fail(Errc::malformed, "must be true or false");
    target = *value;
    return {};
  };
}

Setter duration(std::chrono::milliseconds& target) {
  return [&target](const toml::node& node) -> Result<void> {
    std::string value;
    ATTESTD_CHECK(text(value)(node));
    ATTESTD_TRY(target, parse_duration(value));
    return {};
  };
}

template <class T>
Setter choice(T& target, std::vector<std::pair<std::string_view, T>> choices) {
  return [&target, choices = std::move(choices)](const toml::node& node) -> Result<void> {
    std::string value;
    ATTESTD_CHECK(text(value)(node));
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (value == name) {
        target = meaning;
        return {};
      }
      names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    }
    return fail(Errc::malformed, "must be one of " + names);
  };
}

// An array whose items `item` takes one by one.
template <class T>
Setter list(std::vector<T>& target, std::function<Setter(T&)> item) {
  return [&target, item = std::move(item)](const toml::node& node) -> Result<void> {
    const toml::array* const array = node.as_array();
    if (array == nullptr) return fail(Errc::malformed, "must be an array");
    if (array->size() > list_limit) {
      return fail(Errc::out_of_range, "has over " + std::to_string(list_limit) + " items");
    }
    std::vector<T> values;
    for (const toml::node& element : *array) {
      T value{};
      if (auto set = item(value)(element); !set) return fail(set.error().code, "item " + set.error().message);
      if (std::find(values.begin(), values.end(), value) != values.end()) {
        return fail(Errc::malformed, "has an item twice");
      }
      values.push_back(std::move(value));
    }
    target = std::move(values);
    return {};
  };
}

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
      {"log", "level",
       choice<Priority>(config.log.level, {{"error", Priority::error},
                                           {"warning", Priority::warning},
                                           {"notice", Priority::notice},
                                           {"info", Priority::info},
                                           {"debug", Priority::debug}})},
  };
}

Result<void> apply_table(const std::vector<Key>& keys, std::string_view name, std::string_view table_name,
                         const toml::table& table) {
  for (const auto& [key_name, node] : table) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& candidate) {
      return candidate.table == table_name && candidate.name == key_name.str();
    });
    const std::string where = std::string(table_name) + "." + std::string(key_name.str());
    if (key == keys.end()) return wrong(name, node, Errc::malformed, "unknown key " + where);
    if (auto set = key->set(node); !set) return wrong(name, node, set.error().code, where + " " + set.error().message);
  }
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view toml, std::string_view name) {
  toml::table parsed;
  try {
    parsed = toml::parse(toml, name);
  } catch (const toml::parse_error& error) {
    return fail(Errc::malformed, std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " +
                                     std::string(error.description()));
  }
  Config config;
  const std::vector<Key> keys = keys_of(config);
  for (const auto& [table_name, node] : parsed) {
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.table == table_name.str(); });
    if (!known) return wrong(name, node, Errc::malformed, "unknown key " + std::string(table_name.str()));
    const toml::table* const table = node.as_table();
    if (table == nullptr) {
      return wrong(name, node, Errc::malformed, std::string(table_name.str()) + " must be a table");
    }
    ATTESTD_CHECK(apply_table(keys, name, table_name.str(), *table));
  }
  if (config.tpm.tcti.empty()) return fail(Errc::malformed, std::string(name) + ": tpm.tcti must not be empty");
  if (config.tpm.banks.empty() || config.tpm.pcrs.empty()) {
    return fail(Errc::malformed, std::string(name) +
                                     ": tpm.banks and tpm.pcrs must not be empty; tcti = \"off\" "
                                     "leaves the TPM out");
  }
  return config;
}

Result<Config> load_config(const std::string& path) {
  auto bytes = read_file(path, config_limit);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return Config{};
    return std::unexpected(std::move(bytes).error());
  }
  return parse_config(as_text(*bytes), path);
}

}  // namespace attestd::agent
