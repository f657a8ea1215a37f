// A configuration file: TOML, in which each key has its place, its type and its
// limits. toml++ is in here, for .cpp files only.
#pragma once

#include "base/toml_internal.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace attestd::settings {

// Takes a value, or says what it must be: "must be text".
using Setter = std::function<Result<void>(const toml::node&)>;
struct Key {
  std::string_view table;
  std::string_view name;
  Setter set;
};

inline constexpr std::size_t list_limit = 64;  // items in an array

Setter text(std::string& target);
Setter absolute_path(std::string& target, bool may_be_empty);
// The base of URLs, without the slash that follows it.
Setter url(std::string& target, bool may_be_empty);
Setter flag(bool& target);
// "500ms", "30s" or "2m": above 0, at most an hour.
Setter duration(std::chrono::milliseconds& target);

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

// Every key of `toml` must be one of `keys`. `name` stands before the line number in
// errors: "attestd.toml:3: unknown key …". Errors: malformed (TOML, wrong type,
// unknown key), out_of_range.
Result<void> apply_settings(std::string_view toml, std::string_view name, const std::vector<Key>& keys);

// What `parse` makes of the file and its path; the defaults when the file is not there.
// Errors: those of read_file() (at most 1 MiB) and of `parse`.
template <class Config>
Result<Config> load_settings(const std::string& path, Result<Config> (*parse)(std::string_view, std::string_view)) {
  constexpr std::size_t limit = std::size_t{1} << 20U;  // bytes
  auto bytes = read_file(path, limit);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return Config{};
    return std::unexpected(std::move(bytes).error());
  }
  return parse(as_text(*bytes), path);
}

}  // namespace attestd::settings
