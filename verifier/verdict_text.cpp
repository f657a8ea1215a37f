#include <algorithm>
#include <array>

#include "base/text.h"
#include "verifier/verdict.h"

namespace attestd {
namespace {

struct Palette {
  bool on;
  [[nodiscard]] std::string good(std::string_view text) const { return painted(text, "1;32", on); }
  [[nodiscard]] std::string bad(std::string_view text) const { return painted(text, "1;31", on); }
  [[nodiscard]] std::string unsure(std::string_view text) const { return painted(text, "1;33", on); }
  [[nodiscard]] std::string heading(std::string_view text) const { return painted(text, "1", on); }
};

constexpr std::size_t answer_width = 7;
constexpr std::size_t check_width = 20;
constexpr std::size_t text_width = 96;

// Breaks at blanks; the first line goes on where the caller is.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t size = end - at;
    if (column > indent && column + 1 + size > text_width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(at, size);
    column += size;
    at = end + 1;
  }
  return out;
}

std::string answer_cell(Answer answer, const Palette& palette) {
  std::string text = padded(std::string(answer_name(answer)), answer_width);
  switch (answer) {
    case Answer::yes: return palette.good(text);
    case Answer::no: return palette.bad(text);
    case Answer::unknown: return palette.unsure(text);
  }
  return text;
}

std::string result_cell(CheckResult result, const Palette& palette) {
  switch (result) {
    case CheckResult::pass: return palette.good("pass   ");
    case CheckResult::fail: return palette.bad("FAIL   ");
    case CheckResult::skipped: return palette.unsure("skipped");
  }
  return "";
}

std::string first_line(const Verdict& verdict, const Palette& palette) {
  const std::string name(outcome_name(verdict.outcome));
  std::string line;
  switch (verdict.outcome) {
    case Outcome::trusted: line = verdict.simulated ? palette.unsure(name) : palette.good(name); break;
    case Outcome::refused: line = palette.bad(name); break;
    case Outcome::undecided: line = palette.unsure(name); break;
  }
  if (verdict.simulated) line += palette.unsure("  (simulated: signed under a root that you named, not by the vendor)");
  return line + "\n";
}

}  // namespace

std::string escape_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 0xfU];
    }
  }
  return out;
}

std::string verdict_to_text(const Verdict& verdict, bool colour) {
  const Palette palette{colour};
  std::string out = first_line(verdict, palette);
  if (!verdict.answers.empty()) out += '\n';
  for (const auto& [question, answer] : verdict.answers) {
    const std::string number = std::to_string(static_cast<unsigned>(question) + 1);
    out += number + "  " + answer_cell(answer.answer, palette) + "  " + palette.heading(question_text(question)) + '\n';
    constexpr std::size_t indent = 3 + answer_width + 2;
    for (const Reason& reason : answer.reasons) {
      out += std::string(indent, ' ') + wrapped(escape_text(reason.text), indent) + '\n';
    }
  }
  if (!verdict.checks.empty()) out += '\n';
  for (const Check& check : verdict.checks) {
    constexpr std::size_t indent = answer_width + 2 + check_width + 2;
    out += result_cell(check.result, palette) + "  " + padded(escape_text(check.id), check_width) + "  " +
           wrapped(escape_text(check.detail), indent) + '\n';
  }
  return out;
}

}  // namespace attestd
