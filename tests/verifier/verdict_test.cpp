#include "verifier/verdict.h"

#include "evidence/json_strict.h"
#include "tests/catch.h"

namespace attestd {
namespace {

Verdict hostile() {
  Verdict verdict;
  verdict.outcome = Outcome::undecided;
  verdict.answers[Question::storage] = {Answer::no, {{"plain-volume", "/mnt/\x1b]0;x\x07\xff is plain"}}};
  verdict.checks = {{"snp.policy", CheckResult::fail, "line\nbreak \xe2\x80\xae right to left"}};
  verdict.claims_json = R"({"statement":{"boot_id":"\u001b[2J"}})";
  return verdict;
}

}  // namespace

TEST_CASE("a verdict of checks alone is trusted only when nothing failed and nothing needed is missing") {
  using enum CheckResult;
  struct Case {
    std::vector<Check> checks;
    Outcome outcome;
  };
  const std::vector<Case> cases{
      {{}, Outcome::undecided},
      {{{"snp.signature", pass, ""}}, Outcome::trusted},
      {{{"snp.signature", pass, ""}, {"snp.revocation", skipped, ""}}, Outcome::trusted},
      {{{"snp.revocation", skipped, ""}}, Outcome::undecided},
      {{{"snp.signature", pass, ""}, {"snp.chain", skipped, ""}}, Outcome::undecided},
      {{{"snp.signature", pass, ""}, {"snp.chain", fail, ""}}, Outcome::refused},
      {{{"snp.signature", skipped, ""}, {"snp.chain", fail, ""}}, Outcome::refused},
      {{{"tpm.signature", pass, ""}, {"tpm.pcrs", skipped, ""}, {"tpm.ak", skipped, ""}}, Outcome::undecided},
  };
  for (const Case& c : cases) CHECK(verdict_from_checks(c.checks, "{}").outcome == c.outcome);
}

TEST_CASE("the exit status is 0, 1 or 2") {
  Verdict verdict;
  CHECK(verdict.exit_status() == 2);
  verdict.outcome = Outcome::trusted;
  CHECK(verdict.exit_status() == 0);
  verdict.outcome = Outcome::refused;
  CHECK(verdict.exit_status() == 1);
}

TEST_CASE("text from evidence reaches neither terminal nor JSON unescaped") {
  for (const bool colour : {false, true}) {
    const std::string text = verdict_to_text(hostile(), colour);
    CHECK(text.find("\\x1b]0;x\\x07\\xff") != std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find('\xe2') == std::string::npos);
    CHECK((text.find('\x1b') != std::string::npos) == colour);
  }
  const std::string json = verdict_to_json(hostile());
  CHECK(check_json(json));
  CHECK(json.ends_with("\n"));
  CHECK(json.find('\x1b') == std::string::npos);
}

TEST_CASE("the JSON form has the verdict, the answers, the checks and the claims") {
  CHECK(verdict_to_json(hostile()).starts_with(
      R"({"verdict":"undecided","answers":{"storage":{"answer":"no","reasons":[{"code":"plain-volume","text":)"));
  Verdict bare;
  bare.claims_json = "not JSON";
  CHECK(verdict_to_json(bare) == "{\"verdict\":\"undecided\",\"checks\":[],\"claims\":{}}\n");
}

TEST_CASE("names of questions go both ways") {
  for (const std::string_view name : {"hardware", "initial_state", "boot_chain", "storage", "provisioning"}) {
    REQUIRE(question_from_name(name));
    CHECK(question_name(*question_from_name(name)) == name);
  }
  CHECK_FALSE(question_from_name("Hardware"));
}

}  // namespace attestd
