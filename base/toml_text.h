// What is no TOML whatever a parser makes of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace attestd {

struct TomlPosition {
  std::size_t line = 1;
  std::size_t column = 1;  // bytes
};

// Where the first character is that TOML 1.0 does not allow there: a control character other than tab, line feed and
// carriage return; one beyond ASCII outside of strings and comments. toml++ 3.3 ends the process at some of the former
// ("[" and then one), and leaves undefined what it does at some of the latter (U+00A1 to U+0499).
std::optional<TomlPosition> forbidden_in_toml(std::string_view text);

}  // namespace attestd
