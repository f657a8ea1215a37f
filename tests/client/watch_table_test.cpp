#include "client/watch_table.h"

#include "tests/catch.h"

using namespace attestd;

namespace {

WatchRow row(const std::string& host, const std::string& reason) {
  ProbeResult result;
  result.failure = Error{Errc::unavailable, reason, std::nullopt, 0};
  result.verdict = undecided_verdict(*result.failure);
  result.at = 1748736000;
  return {host, std::move(result)};
}

WatchRow trusted(const std::string& host) {
  WatchRow out = row(host, "");
  out.result->failure.reset();
  out.result->verdict.outcome = Outcome::trusted;
  for (auto& [question, answer] : out.result->verdict.answers) answer = {Answer::yes, {}};
  out.result->verdict.answers[Question::storage].answer = Answer::no;
  out.result->issued_at = out.result->at - 5;
  return out;
}

}  // namespace

TEST_CASE("a line of a host has its verdict, answers in order, age and reason") {
  CHECK(watch_line(trusted("vm"), 4, false) ==
        "vm    trusted    yes       yes       yes       no        yes       5 s     ");
  CHECK(watch_line(row("vm", "nobody answers"), 4, false) ==
        "vm    undecided  unknown   unknown   unknown   unknown   unknown   -       nobody answers");
  CHECK(watch_line({"vm", std::nullopt}, 4, false) == "vm    …");
}

TEST_CASE("a host's text cannot drive the terminal") {
  const std::string line = watch_line(row("vm\x1b[2J", "gone\x1b]0;owned\x07\n\u202e"), 4, false);
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(line.find('\n') == std::string::npos);
  CHECK_THAT(line, Catch::Contains("vm\\x1b[2J") && Catch::Contains("gone\\x1b]0;owned\\x07\\n\\u202e"));
  CHECK(watch_json(row("vm\x1b", "gone\x1b\n")).find_first_of("\x1b\n") == std::string::npos);
}

TEST_CASE("a screen is no wider and no higher than the terminal") {
  std::vector<WatchRow> rows;
  for (int i = 0; i < 20; ++i) rows.push_back(row("vm" + std::to_string(i), std::string(300, 'x')));
  const std::string screen = watch_screen(rows, 40, 10, false, "note");
  std::size_t lines = 1;
  std::size_t column = 0;
  for (std::size_t i = 0; i < screen.size(); ++i) {
    if (screen[i] == '\x1b') {
      while (i < screen.size() && (screen[i] < 'A' || screen[i] == '[')) ++i;
      continue;
    }
    if (screen[i] == '\n') {
      ++lines;
      column = 0;
    } else if (screen[i] != '\r') {
      ++column;
    }
    CHECK(column <= 40);
  }
  CHECK(lines <= 10);
  CHECK_THAT(screen, Catch::Contains("13 more do not fit; note"));
}

TEST_CASE("colours are closed even where a line is cut") {
  const std::string screen = watch_screen({trusted("vm")}, 12, 10, true, "");
  const auto count = [&](std::string_view text) {
    std::size_t found = 0;
    for (std::size_t at = screen.find(text); at != std::string::npos; at = screen.find(text, at + 1)) ++found;
    return found;
  };
  CHECK(count("\x1b[3") == 6);
  CHECK(count("\x1b[0m") == 6);
}

TEST_CASE("a row's JSON is one line with the five answers") {
  CHECK(watch_json(trusted("vm")) ==
        R"({"host":"vm","time":"2025-06-01T00:00:00Z","verdict":"trusted","answers":{"hardware":"yes",)"
        R"("initial_state":"yes","boot_chain":"yes","storage":"no","provisioning":"yes"},"age_s":5,"reason":""})");
}
