// What the appraisal knows when it comes to the five questions. Each question
// has a file of its own; each looks at the facts and at earlier answers only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/statement.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/tpm.h"
#include "verifier/verdict.h"

namespace attestd {

enum class Freshness { nonce, age, unproven };

struct Facts {
  const Policy& policy;
  std::optional<Statement> statement;  // parsed, bound or not
  std::optional<SnpVerification> snp;
  std::optional<TpmVerification> tpm;
  Freshness freshness = Freshness::unproven;
  std::vector<Check> checks;
  std::map<Question, AnswerWithReasons> answers;

  [[nodiscard]] const Check* find(std::string_view id) const;
  [[nodiscard]] bool passed(std::string_view id) const;
  [[nodiscard]] bool failed(std::string_view id) const;
  [[nodiscard]] Answer answer(Question question) const;
};

AnswerWithReasons answer_hardware(const Facts& facts);
AnswerWithReasons answer_initial_state(const Facts& facts);
AnswerWithReasons answer_boot_chain(const Facts& facts);
AnswerWithReasons answer_storage(const Facts& facts);
AnswerWithReasons answer_provisioning(const Facts& facts);

// An answer in the making. The worst that was said stands: no, then unknown, then yes.
class AnswerBuilder {
 public:
  void yes(std::string code, std::string text) { add(Answer::yes, std::move(code), std::move(text)); }
  void unknown(std::string code, std::string text) { add(Answer::unknown, std::move(code), std::move(text)); }
  void no(std::string code, std::string text) { add(Answer::no, std::move(code), std::move(text)); }
  // Said beside the answer, whatever it is.
  void note(std::string code, std::string text) { out_.reasons.push_back({std::move(code), std::move(text)}); }
  [[nodiscard]] Answer worst() const { return said_ ? out_.answer : Answer::unknown; }
  // Without any statement the answer is unknown.
  [[nodiscard]] AnswerWithReasons take() { return std::move(out_); }

 private:
  static int badness(Answer answer) { return answer == Answer::no ? 2 : answer == Answer::unknown ? 1 : 0; }
  void add(Answer answer, std::string code, std::string text) {
    if (!said_ || badness(answer) > badness(out_.answer)) out_.answer = answer;
    said_ = true;
    note(std::move(code), std::move(text));
  }

  AnswerWithReasons out_;
  bool said_ = false;
};

// `check` must pass: fail says no, skipped or absent says unknown.
void demand(AnswerBuilder& answer, const Facts& facts, std::string_view check);
// `check` must not fail.
void tolerate(AnswerBuilder& answer, const Facts& facts, std::string_view check);

// Decoded evidence as a JSON object; members that could not be decoded are absent.
std::string claims_to_json(ByteView statement, const Facts& facts);

}  // namespace attestd
