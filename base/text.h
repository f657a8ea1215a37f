// Text for people.
#pragma once

#include <algorithm>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>

namespace attestd {

// "a, b, c". `parts`: a range of what std::string_view can be made of.
template <std::ranges::input_range Range>
std::string joined(Range&& parts, std::string_view between = ", ") {
  std::string out;
  bool first = true;
  for (auto&& part : parts) {
    if (!first) out += between;
    first = false;
    out += std::string_view(part);
  }
  return out;
}

// Without the characters of `blanks` at both ends.
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r") {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Letters of ASCII in either case; all else as it is.
inline bool equal_in_either_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, std::ranges::equal_to(), lower, lower);
}

// With blanks behind, to a width of `width` bytes at least.
inline std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// In the colours of `code`, ANSI SGR (ECMA-48 section 8.3.117), or as it is.
inline std::string painted(std::string_view text, std::string_view code, bool colour) {
  if (!colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace attestd
