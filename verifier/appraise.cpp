#include "verifier/appraise.h"

#include <algorithm>

#include "base/encoding.h"
#include "verifier/appraise_internal.h"
#include "verifier/snp_policy.h"

namespace attestd {
namespace {

constexpr std::int64_t clock_skew_s = 60;  // a statement may seem to come from so far ahead

Check check_report_data(const Facts& facts, const Result<MerkleHash>& root, const std::string& statement_error) {
  const std::string id = "binding.report-data";
  if (!facts.snp || !facts.snp->report) return {id, CheckResult::skipped, "there is no readable hardware report"};
  if (!statement_error.empty()) return {id, CheckResult::fail, statement_error};
  if (!root) return {id, CheckResult::fail, root.error().text()};
  if (!constant_time_equal(*root, facts.snp->report->report_data)) {
    return {
        id, CheckResult::fail,
        "the report carries " + to_hex(facts.snp->report->report_data) + ", the statement's root is " + to_hex(*root)};
  }
  return {id, CheckResult::pass, "the report carries the root of this statement"};
}

Check check_nonce(Facts& facts, const AppraisalContext& context) {
  const std::string id = "binding.nonce";
  if (!facts.statement) return {id, CheckResult::skipped, "there is no readable statement"};
  const Statement& statement = *facts.statement;
  if (context.nonce) {
    if (!constant_time_equal(*context.nonce, statement.nonce)) {
      return {id, CheckResult::fail,
              "the statement has nonce " + to_hex(statement.nonce) + ", ours is " + to_hex(*context.nonce)};
    }
    facts.freshness = Freshness::nonce;
    return {id, CheckResult::pass, "the statement has our nonce"};
  }
  if (facts.policy.require_nonce || !facts.policy.maximal_age_s) {
    return {id, CheckResult::skipped, "the policy demands a nonce, and none was given"};
  }
  const std::int64_t maximum = *facts.policy.maximal_age_s;
  // Both are at least 0, so neither difference overflows.
  const std::int64_t age = std::max<std::int64_t>(context.at, 0) - statement.issued_at;
  if (age > maximum || age < -clock_skew_s) {
    return {id, CheckResult::fail,
            "the statement is " + std::to_string(age) + " s old, the policy accepts " + std::to_string(maximum)};
  }
  facts.freshness = Freshness::age;
  return {id, CheckResult::skipped,
          "no nonce was given; the statement is " + std::to_string(age) +
              " s old by its own time, the policy accepts " + std::to_string(maximum)};
}

Check check_host_key(const Facts& facts, const AppraisalContext& context) {
  const std::string id = "binding.host-key";
  if (!context.host_key) return {id, CheckResult::skipped, "no host key was given to compare"};
  if (!facts.statement) return {id, CheckResult::fail, "there is no readable statement to list host keys"};
  const auto& keys = facts.statement->ssh_host_keys;
  if (std::ranges::find(keys, *context.host_key) == keys.end()) {
    return {id, CheckResult::fail, "the statement does not list the host key " + context.host_key->fingerprint()};
  }
  return {id, CheckResult::pass, "the statement lists the host key " + context.host_key->fingerprint()};
}

// The hardware report vouches for the one key whose name is in the statement.
void bind_ak(Check& check, const Facts& facts) {
  if (check.result != CheckResult::pass) return;
  if (!facts.statement || facts.statement->ak_name.empty()) {
    check.result = CheckResult::fail;
    check.detail = "the statement names no attestation key";
  } else if (!facts.tpm->ak || !constant_time_equal(facts.tpm->ak->name, facts.statement->ak_name)) {
    check.result = CheckResult::fail;
    check.detail = "the quote's key is not the one that the statement names, " + to_hex(facts.statement->ak_name);
  } else {
    check.detail += "; the statement names it";
  }
}

void add_snp_checks(Facts& facts, const Bundle& bundle, const AppraisalContext& context) {
  if (bundle.snp_report.empty()) {
    for (const char* const id : {"snp.signature", "snp.chain", "snp.tcb-binding", "snp.revocation", "snp.policy",
                                 "snp.tcb-minimum", "snp.measurement"}) {
      facts.checks.push_back({id, CheckResult::skipped, "the bundle has no SNP report"});
    }
    return;
  }
  SnpEndorsements endorsements = context.extra_endorsements;
  // A table that cannot be read only means that its certificates are not there.
  std::string table_error;
  if (auto added = add_snp_certificate_table(bundle.snp_certificates, endorsements); !added) {
    table_error = "; the host's certificate table is unusable: " + added.error().text();
  }
  facts.snp = verify_snp(bundle.snp_report, endorsements, facts.policy.roots, context.at);
  for (Check check : facts.snp->checks) {
    if (check.id == "snp.chain" && check.result != CheckResult::pass) check.detail += table_error;
    facts.checks.push_back(std::move(check));
  }
  for (Check& check : check_snp_policy(*facts.snp, facts.policy)) facts.checks.push_back(std::move(check));
}

void add_tpm_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root) {
  if (!bundle.tpm) {
    for (const char* const id : {"tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs", "tpm.eventlog"}) {
      facts.checks.push_back({id, CheckResult::skipped, "the bundle has no TPM quote"});
    }
    return;
  }
  TpmInput input;
  input.quote = bundle.tpm->quote;
  input.signature = bundle.tpm->signature;
  input.ak = bundle.tpm->ak_public;
  input.pcrs = bundle.tpm->pcrs;
  input.firmware_event_log = bundle.firmware_event_log;
  input.userspace_event_log = bundle.userspace_event_log;
  if (root) input.expected_extra_data = quote_qualifying_data(*root);
  facts.tpm = verify_tpm(input);
  for (Check check : facts.tpm->checks) {
    if (check.id == "tpm.ak") bind_ak(check, facts);
    facts.checks.push_back(std::move(check));
  }
}

// The questions that a check's failure bears on; a failed binding bears on all.
bool bears_on(std::string_view id, Question question) {
  if (id.starts_with("binding.")) return true;
  if (id == "snp.measurement") return question == Question::initial_state;
  if (id.starts_with("snp.")) return question == Question::hardware;
  return id.starts_with("tpm.") && question == Question::boot_chain;
}

Outcome decide(const Facts& facts) {
  const std::set<Question>& required = facts.policy.required;
  const auto is = [&](Answer answer) {
    return [&facts, answer](Question question) { return facts.answer(question) == answer; };
  };
  if (std::ranges::any_of(required, is(Answer::no))) return Outcome::refused;
  for (const Check& check : facts.checks) {
    if (check.result != CheckResult::fail) continue;
    if (check.id.starts_with("binding.") ||
        std::ranges::any_of(required, [&](Question question) { return bears_on(check.id, question); })) {
      return Outcome::refused;
    }
  }
  return !required.empty() && std::ranges::all_of(required, is(Answer::yes)) ? Outcome::trusted : Outcome::undecided;
}

}  // namespace

const Check* Facts::find(std::string_view id) const {
  const auto it = std::ranges::find(checks, id, &Check::id);
  return it == checks.end() ? nullptr : &*it;
}
bool Facts::passed(std::string_view id) const {
  const Check* const check = find(id);
  return check != nullptr && check->result == CheckResult::pass;
}
bool Facts::failed(std::string_view id) const {
  const Check* const check = find(id);
  return check != nullptr && check->result == CheckResult::fail;
}
Answer Facts::answer(Question question) const {
  const auto it = answers.find(question);
  return it == answers.end() ? Answer::unknown : it->second.answer;
}

void demand(AnswerBuilder& answer, const Facts& facts, std::string_view id) {
  const Check* const check = facts.find(id);
  if (check == nullptr) {
    answer.unknown(std::string(id), "the check " + std::string(id) + " was not made");
  } else if (check->result == CheckResult::fail) {
    answer.no(std::string(id), check->detail);
  } else if (check->result == CheckResult::skipped) {
    answer.unknown(std::string(id), std::string(id) + " was not checked: " + check->detail);
  }
}

void tolerate(AnswerBuilder& answer, const Facts& facts, std::string_view id) {
  const Check* const check = facts.find(id);
  if (check != nullptr && check->result == CheckResult::fail) answer.no(std::string(id), check->detail);
}

Appraisal appraise(const Bundle& bundle, const Policy& policy, const AppraisalContext& context) {
  Facts facts{policy, {}, {}, {}, Freshness::unproven, {}, {}};
  std::string statement_error;
  if (auto statement = parse_statement(bundle.statement)) {
    facts.statement = *std::move(statement);
  } else {
    statement_error = statement.error().text();
  }
  const Result<MerkleHash> root = bundle_root(bundle);

  add_snp_checks(facts, bundle, context);
  std::vector<Check> binding{
      check_report_data(facts, root, statement_error),
      check_nonce(facts, context),
      {"binding.channel", CheckResult::skipped, "the evidence did not come over TLS"},
      check_host_key(facts, context),
  };
  facts.checks.insert(facts.checks.begin(), std::make_move_iterator(binding.begin()),
                      std::make_move_iterator(binding.end()));
  add_tpm_checks(facts, bundle, root);

  facts.answers[Question::hardware] = answer_hardware(facts);
  facts.answers[Question::initial_state] = answer_initial_state(facts);
  facts.answers[Question::boot_chain] = answer_boot_chain(facts);
  facts.answers[Question::storage] = answer_storage(facts);
  facts.answers[Question::provisioning] = answer_provisioning(facts);

  Appraisal out;
  out.verdict.outcome = decide(facts);
  out.verdict.simulated = facts.snp && facts.snp->simulated;
  out.verdict.claims_json = claims_to_json(bundle.statement, facts);
  out.verdict.answers = std::move(facts.answers);
  out.verdict.checks = std::move(facts.checks);
  out.statement = std::move(facts.statement);
  return out;
}

Verdict appraise_snp(const SnpVerification& verification, const Policy* policy) {
  const Policy standard;
  const Policy& used = policy == nullptr ? standard : *policy;
  Facts facts{used, {}, verification, {}, Freshness::unproven, verification.checks, {}};
  for (Check& check : check_snp_policy(verification, used)) facts.checks.push_back(std::move(check));
  std::string claims = claims_to_json({}, facts);
  Verdict verdict = verdict_from_checks(std::move(facts.checks), std::move(claims));
  verdict.simulated = verification.simulated;
  return verdict;
}

}  // namespace attestd
