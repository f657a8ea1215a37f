// What a verification says: checks made, the five answers, the verdict.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attestd {

enum class CheckResult { pass, fail, skipped };
std::string_view result_name(CheckResult result);  // "pass"
struct Check {
  std::string id;  // "snp.signature"; stable, listed in attestctl(1)
  CheckResult result = CheckResult::skipped;
  std::string detail;  // one sentence: why, with the values compared
};

enum class Answer { yes, no, unknown };
std::string_view answer_name(Answer answer);
struct Reason {
  std::string code;  // stable, "debug-allowed"
  std::string text;
};
struct AnswerWithReasons {
  Answer answer = Answer::unknown;
  std::vector<Reason> reasons;
};

enum class Question { hardware, initial_state, boot_chain, storage, provisioning };
inline constexpr std::size_t question_count = 5;
std::string_view question_name(Question question);  // "initial_state"
std::string_view question_text(Question question);  // "Is its initial state trustworthy?"
std::optional<Question> question_from_name(std::string_view name);

enum class Outcome { trusted, refused, undecided };
std::string_view outcome_name(Outcome outcome);

struct Verdict {
  Outcome outcome = Outcome::undecided;
  std::map<Question, AnswerWithReasons> answers;  // all five, or none for `verify snp` and the like
  std::vector<Check> checks;
  std::string claims_json = "{}";  // JSON object text, decoded evidence
  bool simulated = false;          // the chain ends in a root that the user named

  [[nodiscard]] const Check* find(std::string_view id) const;
  [[nodiscard]] int exit_status() const;  // 0 trusted, 1 refused, 2 undecided
};

// Why a verdict is not better: the checks that failed; if none did, the reasons of the questions
// that have no yes. Not escaped.
std::string reasons_of(const Verdict& verdict);

// For `verify snp`, `verify tpm` and the like, which answer no questions: refused
// when a check failed; trusted when all passed, or were left out because the
// caller gave nothing to check against (no CRL, no PCR values, no reference); else undecided.
Verdict verdict_from_checks(std::vector<Check> checks, std::string claims_json);

std::string verdict_to_json(const Verdict& verdict);  // DESIGN "The verdict"; ends with a newline
// For people; `colour` adds ANSI attributes. Text from evidence is escaped.
std::string verdict_to_text(const Verdict& verdict, bool colour);
// Printable ASCII as it is, every other byte as \xNN: nothing that a terminal acts on.
std::string escape_text(std::string_view text);

}  // namespace attestd
