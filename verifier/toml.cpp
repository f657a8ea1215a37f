#include <algorithm>

#include "base/encoding.h"
#include "base/toml_text.h"
#include "verifier/toml_internal.h"

namespace attestd {
namespace {

Result<Bytes> hex_value(const toml::node& node, const std::string& place, std::size_t size) {
  const auto* const text = node.as_string();
  if (text == nullptr) return toml_error(node, Errc::malformed, place + " is not a string of hex digits");
  auto bytes = from_hex(text->get());
  if (!bytes) return toml_error(node, Errc::malformed, place + " is not a string of hex digits");
  if (bytes->size() != size) {
    return toml_error(node, Errc::out_of_range,
                      place + " has " + std::to_string(bytes->size()) + " bytes, it must have " + std::to_string(size));
  }
  return bytes;
}

// Nothing listed is no demand that anyone means: neither "any" nor "none" may be guessed.
Result<void> refuse_empty(const toml::node& node, const toml::array& array, const std::string& place) {
  if (!array.empty()) return {};
  return toml_error(node, Errc::out_of_range,
                    place +
                        " is an empty list: list what you accept, or leave the key out, which means what "
                        "attestd-policy(5) says of it");
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text) {
  if (const auto at = forbidden_in_toml(text)) {
    return fail(Errc::malformed, "line " + std::to_string(at->line) + ", column " + std::to_string(at->column) +
                                     ": a character that TOML does not have there");
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return fail(Errc::malformed, "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " +
                                     std::string(error.description()));
  } catch (const TomlAssertion&) {
    return fail(Errc::malformed, "a table's header is no TOML");
  }
}

std::unexpected<Error> toml_error(const toml::node& node, Errc code, std::string_view message) {
  const toml::source_position at = node.source().begin;
  return fail(
      code, "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " + std::string(message));
}

std::string TomlSection::place(std::string_view key) const {
  return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
}

const toml::node* TomlSection::find(std::string_view key) {
  know(key);
  return table_->get(key);
}

Result<std::optional<bool>> TomlSection::boolean(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<bool>();
  if (!node->is_boolean()) return toml_error(*node, Errc::malformed, place(key) + " is not true or false");
  return std::optional<bool>(node->as_boolean()->get());
}

Result<std::optional<std::int64_t>> TomlSection::integer(std::string_view key, std::int64_t low, std::int64_t high) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<std::int64_t>();
  if (!node->is_integer()) return toml_error(*node, Errc::malformed, place(key) + " is not a whole number");
  const std::int64_t value = node->as_integer()->get();
  if (value < low || value > high) {
    return toml_error(*node, Errc::out_of_range,
                      place(key) + " is not in " + std::to_string(low) + " to " + std::to_string(high));
  }
  return std::optional<std::int64_t>(value);
}

Result<std::optional<std::string>> TomlSection::string(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<std::string>();
  if (!node->is_string()) return toml_error(*node, Errc::malformed, place(key) + " is not a string");
  return std::optional<std::string>(node->as_string()->get());
}

Result<std::optional<std::vector<std::string>>> TomlSection::strings(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<std::vector<std::string>>();
  const toml::array* const array = node->as_array();
  if (array == nullptr) return toml_error(*node, Errc::malformed, place(key) + " is not an array of strings");
  ATTESTD_CHECK(refuse_empty(*node, *array, place(key)));
  std::vector<std::string> out;
  for (const toml::node& element : *array) {
    if (!element.is_string()) return toml_error(element, Errc::malformed, place(key) + " is not an array of strings");
    if (element.as_string()->get().empty())
      return toml_error(element, Errc::malformed, place(key) + " lists an empty text");
    out.push_back(element.as_string()->get());
  }
  return std::optional(std::move(out));
}

Result<std::optional<Bytes>> TomlSection::hex(std::string_view key, std::size_t size) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<Bytes>();
  ATTESTD_TRY(Bytes value, hex_value(*node, place(key), size));
  return std::optional(std::move(value));
}

Result<std::optional<std::vector<Bytes>>> TomlSection::hex_list(std::string_view key, std::size_t size) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<std::vector<Bytes>>();
  const toml::array* const array = node->as_array();
  if (array == nullptr) return toml_error(*node, Errc::malformed, place(key) + " is not an array of hex strings");
  ATTESTD_CHECK(refuse_empty(*node, *array, place(key)));
  std::vector<Bytes> out;
  for (const toml::node& element : *array) {
    ATTESTD_TRY(Bytes value, hex_value(element, place(key), size));
    out.push_back(std::move(value));
  }
  return std::optional(std::move(out));
}

Result<std::optional<std::set<std::string>>> TomlSection::names(std::string_view key,
                                                                const std::vector<std::string_view>& allowed) {
  ATTESTD_TRY(const auto listed, strings(key));
  if (!listed) return std::optional<std::set<std::string>>();
  for (const std::string& name : *listed) {
    if (std::ranges::find(allowed, name) != allowed.end()) continue;
    std::string message = place(key) + " lists '" + name + "', it may list";
    for (const std::string_view one : allowed) message += (one == allowed.front() ? " " : ", ") + std::string(one);
    return toml_error(*table_->get(key), Errc::unsupported, message);
  }
  return std::optional(std::set<std::string>(listed->begin(), listed->end()));
}

Result<std::optional<TomlSection>> TomlSection::section(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::optional<TomlSection>();
  if (!node->is_table()) return toml_error(*node, Errc::malformed, place(key) + " is not a table");
  return std::optional(TomlSection(*node->as_table(), place(key)));
}

Result<std::vector<TomlSection>> TomlSection::sections(std::string_view key) {
  const toml::node* const node = find(key);
  std::vector<TomlSection> out;
  if (node == nullptr) return out;
  const toml::array* const array = node->as_array();
  if (array == nullptr) return toml_error(*node, Errc::malformed, place(key) + " is not an array of tables");
  ATTESTD_CHECK(refuse_empty(*node, *array, place(key)));
  for (const toml::node& element : *array) {
    if (!element.is_table()) return toml_error(element, Errc::malformed, place(key) + " is not an array of tables");
    out.emplace_back(*element.as_table(), place(key));
  }
  return out;
}

Result<void> TomlSection::finish() const {
  for (const auto& [key, node] : *table_) {
    if (known_.contains(key.str())) continue;
    return toml_error(node, Errc::malformed, "there is no key '" + place(key.str()) + "'");
  }
  return {};
}

}  // namespace attestd
