#include <charconv>

#include "base/settings_internal.h"
#include "base/toml_text.h"

namespace attestd::settings {
namespace {

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

Result<void> apply_settings(std::string_view toml, std::string_view name, const std::vector<Key>& keys) {
  if (const auto at = forbidden_in_toml(toml)) {
    return fail(Errc::malformed,
                std::string(name) + ":" + std::to_string(at->line) + ": a character that TOML does not have there");
  }
  toml::table parsed;
  try {
    parsed = toml::parse(toml, name);
  } catch (const toml::parse_error& error) {
    return fail(Errc::malformed, std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " +
                                     std::string(error.description()));
  } catch (const TomlAssertion&) {
    return fail(Errc::malformed, std::string(name) + ": a table's header is no TOML");
  }
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
  return {};
}

}  // namespace attestd::settings
