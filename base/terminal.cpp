#include "base/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <tuple>

#include "base/file.h"

namespace attestd {
namespace {

struct Character {
  char32_t value = 0;
  std::size_t size = 0;  // bytes
};

// Unicode 15, table 3-7 (well-formed UTF-8).
std::optional<Character> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return Character{first, 1};
  std::size_t size = 0;
  char32_t value = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    size = 2;
    value = first & 0x1fU;
  } else if (first >= 0xe0 && first <= 0xef) {
    size = 3;
    value = first & 0x0fU;
  } else if (first >= 0xf0 && first <= 0xf4) {
    size = 4;
    value = first & 0x07U;
  } else {
    return std::nullopt;
  }
  if (text.size() < size) return std::nullopt;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return std::nullopt;
    value = (value << 6U) | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff) return std::nullopt;
  return Character{value, size};
}

// C0, DEL, C1, line and paragraph separators, and the marks that reorder or
// hide text (Unicode Standard Annex 9, section 2; zero-width characters).
bool drives_the_terminal(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

std::string escape(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), c < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  return text.data();
}

}  // namespace

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool use_colour(Colour wish) {
  if (wish != Colour::automatic) return wish == Colour::always;
  const char* const no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): one thread
  const char* const terminal = std::getenv("TERM");      // NOLINT(concurrency-mt-unsafe): one thread
  return stdout_is_terminal() && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto character = decode(text);
    if (!character) {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
      out += hex.data();
      text.remove_prefix(1);
      continue;
    }
    if (character->value == '\\') {
      out += "\\\\";
    } else if (drives_the_terminal(character->value)) {
      out += escape(character->value);
    } else {
      out += text.substr(0, character->size);
    }
    text.remove_prefix(character->size);
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += printable(text.substr(0, end));
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const auto character = decode(json);
    const std::size_t size = character ? character->size : 1;
    if (character && character->value >= 0x7f && drives_the_terminal(character->value)) {
      std::array<char, 16> text{};
      std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(character->value));
      out += text.data();
    } else {
      out += json.substr(0, size);
    }
    json.remove_prefix(size);
  }
  return out;
}

Result<void> print(std::string_view text) { return write_all(STDOUT_FILENO, "standard output", as_bytes(text)); }

void complain(std::string_view sentence) {
  const std::string line = printable(::program_invocation_short_name) + ": " + printable(sentence) + "\n";
  // Nothing is left to tell the failure to.
  std::ignore = write_all(STDERR_FILENO, "standard error", as_bytes(line));
}

void complain(const Error& error) { complain(error.text()); }

}  // namespace attestd
