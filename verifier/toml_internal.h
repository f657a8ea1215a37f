// TOML tables read strictly: every key must be known, every error has its line
// and column. For .cpp files only.
#pragma once

#include "base/toml_internal.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

std::unexpected<Error> toml_error(const toml::node& node, Errc code, std::string_view message);

// Error: malformed, with line and column.
Result<toml::table> parse_toml(std::string_view text);

class TomlSection {
 public:
  // `name` is for errors: "snp.minimum-tcb.Milan", or empty for the document.
  TomlSection(const toml::table& table, std::string name) : table_(&table), name_(std::move(name)) {}

  // Each marks its key as known, and gives nothing when the key is absent. A list must
  // not be empty, nor a text in a list.
  Result<std::optional<bool>> boolean(std::string_view key);
  Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t low, std::int64_t high);
  Result<std::optional<std::string>> string(std::string_view key);
  Result<std::optional<std::vector<std::string>>> strings(std::string_view key);
  Result<std::optional<Bytes>> hex(std::string_view key, std::size_t size);
  Result<std::optional<std::vector<Bytes>>> hex_list(std::string_view key, std::size_t size);
  // Strings, each of which must be in `allowed`.
  Result<std::optional<std::set<std::string>>> names(std::string_view key,
                                                     const std::vector<std::string_view>& allowed);
  Result<std::optional<TomlSection>> section(std::string_view key);
  Result<std::vector<TomlSection>> sections(std::string_view key);  // [[key]]

  [[nodiscard]] const toml::table& table() const { return *table_; }
  [[nodiscard]] const toml::node* find(std::string_view key);
  void know(std::string_view key) { known_.insert(std::string(key)); }
  [[nodiscard]] std::string place(std::string_view key) const;
  // Error: malformed when the table has a key that nobody asked for.
  [[nodiscard]] Result<void> finish() const;

 private:
  const toml::table* table_;
  std::string name_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace attestd
