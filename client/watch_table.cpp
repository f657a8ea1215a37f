#include "client/watch_table.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/terminal.h"
#include "base/text.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t verdict_width = 9;
constexpr std::size_t answer_width = 7;
constexpr std::size_t age_width = 6;

std::string cell(std::string text, std::size_t width) { return padded(std::move(text), width) + "  "; }

// Green, red, yellow.
const char* code_of(Answer answer) { return answer == Answer::yes ? "32" : answer == Answer::no ? "31" : "33"; }
const char* code_of(const Verdict& verdict) {
  if (verdict.outcome == Outcome::refused) return "31";
  return verdict.outcome == Outcome::trusted && !verdict.simulated ? "32" : "33";
}

std::string age_of(const ProbeResult& result) {
  return result.issued_at ? std::to_string(result.at - *result.issued_at) + " s" : "-";
}

// At most so many characters; an escape sequence of ours has no width, and is kept.
std::string cut(const std::string& line, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      const std::size_t end = std::min(line.find('m', i), line.size() - 1);
      out += line.substr(i, end - i + 1);
      i = end;
      continue;
    }
    const bool continues = (static_cast<unsigned char>(line[i]) & 0xc0U) == 0x80U;
    if (!continues && used++ >= columns) continue;
    if (used <= columns) out += line[i];
  }
  return out;
}

}  // namespace

std::size_t host_width(const std::vector<WatchRow>& rows) {
  std::size_t width = std::string_view("HOST").size();
  for (const WatchRow& row : rows) width = std::max(width, printable(row.host).size());
  return width;
}

std::string watch_heading(std::size_t width) {
  std::string out = cell("HOST", width) + cell("VERDICT", verdict_width);
  for (const char* const name : {"HARDWARE", "INITIAL", "BOOT", "STORAGE", "PROVIS."}) {
    out += cell(name, answer_width + 1);
  }
  return out + cell("AGE", age_width) + "REASON";
}

std::string watch_line(const WatchRow& row, std::size_t width, bool colour) {
  std::string out = cell(printable(row.host), width);
  if (!row.result) return out + "…";
  const ProbeResult& result = *row.result;
  out +=
      painted(cell(std::string(outcome_name(result.verdict.outcome)), verdict_width), code_of(result.verdict), colour);
  for (const auto& [question, answer] : result.verdict.answers) {
    out += painted(cell(std::string(answer_name(answer.answer)), answer_width + 1), code_of(answer.answer), colour);
  }
  out += cell(age_of(result), age_width);
  if (result.verdict.simulated) out += "(simulated) ";
  return out + printable(probe_reason(result));
}

std::string watch_screen(const std::vector<WatchRow>& rows, std::size_t columns, std::size_t lines, bool colour,
                         const std::string& note) {
  // ECMA-48 section 8.3: CUP, EL, ED.
  constexpr std::string_view home = "\x1b[H";
  constexpr std::string_view line_end = "\x1b[K\r\n";
  constexpr std::string_view erase_below = "\x1b[J";
  const std::size_t width = host_width(rows);
  const std::size_t room = lines > 3 ? lines - 3 : 1;  // beside heading, note, and the cursor's line
  std::string out(home);
  const auto add = [&](const std::string& line) { (out += cut(line, columns)) += line_end; };
  add(watch_heading(width));
  for (std::size_t i = 0; i < std::min(rows.size(), room); ++i) add(watch_line(rows[i], width, colour));
  const std::string hidden =
      rows.size() > room ? std::to_string(rows.size() - room) + " more do not fit; " : std::string();
  return out + cut(hidden + note, columns) + "\x1b[K" + std::string(erase_below);
}

std::string watch_json(const WatchRow& row) {
  json::object out{{"host", to_valid_utf8(row.host)}};
  if (!row.result) return json::serialize(out);
  const ProbeResult& result = *row.result;
  out["time"] = to_rfc3339(result.at);
  out["verdict"] = outcome_name(result.verdict.outcome);
  if (result.verdict.simulated) out["simulated"] = true;
  json::object answers;
  for (const auto& [question, answer] : result.verdict.answers) {
    answers[question_name(question)] = answer_name(answer.answer);
  }
  out["answers"] = std::move(answers);
  if (result.issued_at) out["age_s"] = result.at - *result.issued_at;
  out["reason"] = to_valid_utf8(probe_reason(result));
  return json::serialize(out);
}

}  // namespace attestd
