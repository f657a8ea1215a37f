#include "base/toml_text.h"

#include <algorithm>

namespace attestd {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

// Which of TOML's strings and comments a place is in.
class Scanner {
 public:
  // `text` from this place on. How many characters are done with.
  std::size_t step(std::string_view text) {
    const char c = text.front();
    if (comment_) {
      comment_ = c != '\n';
      return 1;
    }
    if (quote_.empty()) {
      comment_ = c == '#';
      for (const std::string_view opening : {R"(""")", "'''", "\"", "'"}) {
        if (!text.starts_with(opening)) continue;
        quote_ = opening;
        return opening.size();
      }
      return 1;
    }
    if (c == '\\' && quote_.front() == '"') return std::min<std::size_t>(2, text.size());
    if (text.starts_with(quote_)) {
      const std::size_t size = quote_.size();
      quote_ = {};
      return size;
    }
    // One that is not closed ends with its line: the parser refuses it.
    if (c == '\n' && quote_.size() == 1) quote_ = {};
    return 1;
  }
  [[nodiscard]] bool outside() const { return !comment_ && quote_.empty(); }

 private:
  bool comment_ = false;
  std::string_view quote_;  // that ends the string we are in
};

}  // namespace

std::optional<TomlPosition> forbidden_in_toml(std::string_view text) {
  Scanner scanner;
  std::size_t at = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  std::size_t bad =
      std::min(static_cast<std::size_t>(std::ranges::find_if(text, is_control) - text.begin()), text.size());
  while (at < bad) {
    if (scanner.outside() && static_cast<unsigned char>(text[at]) >= 0x80) bad = at;
    at += scanner.step(text.substr(at));
  }
  if (bad == text.size()) return std::nullopt;
  const std::string_view before = text.substr(0, bad);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return TomlPosition{static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1, bad - line_begin + 1};
}

}  // namespace attestd
