#include "verifier/verdict.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

struct QuestionEntry {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<QuestionEntry, question_count> questions{{
    {"hardware", "Is it a genuine CVM on the right hardware, not an emulation?"},
    {"initial_state", "Is its initial state trustworthy?"},
    {"boot_chain", "Is the boot chain trustworthy?"},
    {"storage", "Was the storage tampered with?"},
    {"provisioning", "Was untrusted data injected by a provisioning agent?"},
}};

// Checks that need something the caller may leave out.
constexpr std::array<std::string_view, 10> optional_checks{
    "azure.configuration", "snp.revocation", "snp.tcb-minimum", "snp.measurement", "tdx.measurement",
    "tdx.rtmrs",           "tpm.extra-data", "tpm.pcrs",        "tpm.eventlog",    "nitro.kind"};

json::object answer_to_json(const AnswerWithReasons& answer) {
  json::array reasons;
  for (const Reason& reason : answer.reasons) {
    reasons.emplace_back(json::object{{"code", reason.code}, {"text", to_valid_utf8(reason.text)}});
  }
  return json::object{{"answer", answer_name(answer.answer)}, {"reasons", std::move(reasons)}};
}

}  // namespace

std::string_view result_name(CheckResult result) {
  switch (result) {
    case CheckResult::pass: return "pass";
    case CheckResult::fail: return "fail";
    case CheckResult::skipped: return "skipped";
  }
  return "skipped";
}

std::string_view question_name(Question question) { return questions.at(static_cast<std::size_t>(question)).name; }
std::string_view question_text(Question question) { return questions.at(static_cast<std::size_t>(question)).text; }

std::optional<Question> question_from_name(std::string_view name) {
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (questions.at(i).name == name) return static_cast<Question>(i);
  }
  return std::nullopt;
}

std::string_view answer_name(Answer answer) {
  switch (answer) {
    case Answer::yes: return "yes";
    case Answer::no: return "no";
    case Answer::unknown: return "unknown";
  }
  return "unknown";
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::trusted: return "trusted";
    case Outcome::refused: return "refused";
    case Outcome::undecided: return "undecided";
  }
  return "undecided";
}

const Check* Verdict::find(std::string_view id) const {
  const auto it = std::ranges::find(checks, id, &Check::id);
  return it == checks.end() ? nullptr : &*it;
}

int Verdict::exit_status() const {
  switch (outcome) {
    case Outcome::trusted: return 0;
    case Outcome::refused: return 1;
    case Outcome::undecided: return 2;
  }
  return 2;
}

Verdict verdict_from_checks(std::vector<Check> checks, std::string claims_json) {
  Verdict verdict;
  const auto benign = [](const Check& check) {
    return check.result == CheckResult::pass || (check.result == CheckResult::skipped &&
                                                 std::ranges::find(optional_checks, check.id) != optional_checks.end());
  };
  if (std::ranges::any_of(checks, [](const Check& check) { return check.result == CheckResult::fail; })) {
    verdict.outcome = Outcome::refused;
  } else if (std::ranges::any_of(checks, [](const Check& check) { return check.result == CheckResult::pass; }) &&
             std::ranges::all_of(checks, benign)) {
    verdict.outcome = Outcome::trusted;
  }
  verdict.checks = std::move(checks);
  verdict.claims_json = std::move(claims_json);
  return verdict;
}

std::string verdict_to_json(const Verdict& verdict) {
  json::object out;
  out["verdict"] = outcome_name(verdict.outcome);
  if (verdict.simulated) out["simulated"] = true;
  if (!verdict.answers.empty()) {
    json::object answers;
    for (const auto& [question, answer] : verdict.answers) answers[question_name(question)] = answer_to_json(answer);
    out["answers"] = std::move(answers);
  }
  json::array checks;
  for (const Check& check : verdict.checks) {
    checks.emplace_back(
        json::object{{"id", check.id}, {"result", result_name(check.result)}, {"detail", to_valid_utf8(check.detail)}});
  }
  out["checks"] = std::move(checks);
  auto claims = parse_json(verdict.claims_json);
  out["claims"] = claims && claims->is_object() ? *std::move(claims) : json::value(json::object());
  return json::serialize(out) + '\n';
}

std::string reasons_of(const Verdict& verdict) {
  std::vector<std::string> out;
  for (const Check& check : verdict.checks) {
    if (check.result == CheckResult::fail) out.push_back(check.id + ": " + check.detail);
  }
  if (!out.empty()) return joined(out, "; ");
  for (const auto& [question, answer] : verdict.answers) {
    if (answer.answer == Answer::yes) continue;
    for (const Reason& reason : answer.reasons) out.push_back(reason.text);
  }
  return out.empty() ? "the policy's questions have no answer" : joined(out, "; ");
}

}  // namespace attestd
