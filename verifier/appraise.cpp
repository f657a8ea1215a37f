#include "verifier/appraise.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/encoding.h"
#include "verifier/appraise_internal.h"
#include "verifier/snp_policy.h"
#include "verifier/tdx_policy.h"

namespace attestd {
namespace {

constexpr std::int64_t clock_skew_s = 60;  // a statement may seem to come from so far ahead

Check check_report_data(const Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                        const std::string& statement_error) {
  const std::string id = "binding.report-data";
  if (facts.runtime_data && !bundle.statement.empty()) {
    return {id, CheckResult::fail, "the evidence has a statement, where runtime data must be all that it binds"};
  }
  // Which of them would the statement be bound to?
  if (!bundle.snp_report.empty() && (!bundle.td_quote.empty() || !bundle.hcl_report.empty())) {
    return {id, CheckResult::fail, "the bundle has reports of two kinds of hardware"};
  }
  if (!facts.hardware || !facts.hardware->report_data) {
    return {id, CheckResult::skipped, "there is no readable hardware report"};
  }
  if (!statement_error.empty()) return {id, CheckResult::fail, statement_error};
  if (!root) return {id, CheckResult::fail, root.error().text()};
  if (facts.report_data_binding) return *facts.report_data_binding;
  const FixedBytes<64>& carried = *facts.hardware->report_data;
  if (!constant_time_equal(*root, carried)) {
    return {id, CheckResult::fail,
            "the report carries " + to_hex(carried) +
                (facts.runtime_data ? ", the hash of the runtime data is " : ", the statement's root is ") +
                to_hex(*root)};
  }
  if (facts.runtime_data) return {id, CheckResult::pass, "the report carries the hash of the runtime data"};
  return {id, CheckResult::pass, "the report carries the root of this statement"};
}

Check check_nonce(Facts& facts, const AppraisalContext& context, const Check& report_data) {
  const std::string id = "binding.nonce";
  if (facts.runtime_data) {
    if (report_data.result != CheckResult::pass) {
      return {id, CheckResult::skipped, "our nonce is in the runtime data, and nothing binds them"};
    }
    facts.freshness = Freshness::nonce;
    return {id, CheckResult::pass, "our nonce is in the runtime data whose hash is bound"};
  }
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

Check check_channel(const Facts& facts, const AppraisalContext& context) {
  const std::string id = "binding.channel";
  if (!context.channel) return {id, CheckResult::skipped, "the evidence was not made for a TLS connection"};
  if (!facts.statement) return {id, CheckResult::fail, "there is no readable statement to name a TLS connection"};
  if (auto why = foreign_channel(*facts.statement, *context.channel)) return {id, CheckResult::fail, *std::move(why)};
  return {id, CheckResult::pass, "the statement names the TLS connection that it came over"};
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

Check check_purpose(const Facts& facts, const AppraisalContext& context) {
  const std::string id = "binding.purpose";
  if (facts.runtime_data && context.purpose) return {id, CheckResult::fail, "there is no statement to name a purpose"};
  if (!facts.statement) return {id, CheckResult::skipped, "there is no readable statement"};
  const std::string stated = "the statement is for the purpose '" + std::string(purpose_name(facts.statement->purpose));
  if (!context.purpose) return {id, CheckResult::skipped, stated + "', and none was demanded"};
  if (*context.purpose == facts.statement->purpose) return {id, CheckResult::pass, stated + "'"};
  return {id, CheckResult::fail, stated + "', not '" + std::string(purpose_name(*context.purpose)) + "'"};
}

Check check_recipient_key(const Facts& facts, const Bytes& expected) {
  const std::string id = "binding.recipient-key";
  if (!facts.statement) return {id, CheckResult::fail, "there is no readable statement to name a recipient's key"};
  const auto& unlock = facts.statement->unlock;
  if (!unlock) return {id, CheckResult::fail, "the statement names no key that a secret may be encrypted to"};
  if (!constant_time_equal(unlock->key_thumbprint, expected)) {
    return {id, CheckResult::fail,
            "the statement names the recipient's key " + to_hex(unlock->key_thumbprint) + ", the request " +
                to_hex(expected) + ": somebody relays it"};
  }
  return {id, CheckResult::pass, "the statement names the key that secrets will be encrypted to"};
}

struct Bearing {
  std::string_view prefix;
  std::set<Question> questions;
};

// The questions that a check's failure bears on, by the first prefix that fits; a
// failed binding bears on all.
bool bears_on(std::string_view id, Question question) {
  static const std::vector<Bearing> bearings{
      {"snp.measurement", {Question::initial_state}},
      {"snp.", {Question::hardware}},
      {"tdx.measurement", {Question::initial_state}},
      {"tdx.rtmrs", {Question::boot_chain}},
      {"tdx.", {Question::hardware}},
      {"azure.", {Question::hardware, Question::boot_chain}},
      {"tpm.", {Question::boot_chain}},
      // Whose machine this is bears on all that it says.
      {"nitro.module", {Question::hardware, Question::initial_state, Question::boot_chain}},
      {"gcp.instance", {Question::hardware, Question::initial_state, Question::boot_chain}},
      {"nitro.", {Question::boot_chain}},
      {"svsm.", {Question::boot_chain}},
      {"gcp.", {Question::boot_chain}},
  };
  const auto it = std::ranges::find_if(bearings, [&](const Bearing& known) { return id.starts_with(known.prefix); });
  return it == bearings.end() || it->questions.contains(question);
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

std::optional<std::string> foreign_channel(const Statement& statement, const StatementChannel& channel) {
  if (!statement.channel) return "the evidence came over TLS, and its statement names no TLS connection";
  if (!constant_time_equal(statement.channel->tls_spki_sha256, channel.tls_spki_sha256)) {
    return "the evidence is for a TLS server with another key: somebody between it and us relays it";
  }
  if (!constant_time_equal(statement.channel->tls_exporter, channel.tls_exporter)) {
    return "the evidence is for another TLS connection: somebody who has the server's key relays it";
  }
  return std::nullopt;
}

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

std::string_view measured_vtpm(const Facts& facts) {
  const ReferenceMeasurement* reference = nullptr;
  if (facts.passed("snp.measurement") && facts.snp && facts.snp->report) {
    reference = find_reference(*facts.snp->report, facts.policy);
  } else if (facts.passed("tdx.measurement") && facts.tdx && facts.tdx->quote) {
    reference = find_reference(facts.tdx->quote->body, facts.policy.tdx);
  }
  return reference == nullptr ? std::string_view() : std::string_view(reference->vtpm);
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
  if (context.cache == nullptr) {
    // Even one bundle has certificates that are looked at more than once.
    VerificationCache cache;
    AppraisalContext with_cache = context;
    with_cache.cache = &cache;
    return appraise(bundle, policy, with_cache);
  }
  Facts facts{policy};
  std::string statement_error;
  facts.runtime_data = context.report_data.has_value();
  if (facts.runtime_data) {
    // Nobody bound a statement: one that is there says nothing.
  } else if (auto statement = parse_statement(bundle.statement)) {
    facts.statement = *std::move(statement);
  } else {
    statement_error = statement.error().text();
  }
  const Result<MerkleHash> root = facts.runtime_data ? *context.report_data : bundle_root(bundle);

  constexpr std::array kinds{add_snp_checks,   add_tdx_checks,   add_azure_hardware_checks, add_tpm_checks,
                             add_nitro_checks, add_azure_checks, add_ak_certificate_checks, add_svsm_checks};
  for (const auto add_checks : kinds) add_checks(facts, bundle, root, context);
  if (facts.hardware && facts.hardware->simulated) facts.simulated = true;
  const Check report_data = check_report_data(facts, bundle, root, statement_error);
  std::vector<Check> binding{
      report_data,
      check_nonce(facts, context, report_data),
      check_channel(facts, context),
      check_host_key(facts, context),
      check_purpose(facts, context),
  };
  if (context.recipient_key) binding.push_back(check_recipient_key(facts, *context.recipient_key));
  facts.checks.insert(facts.checks.begin(), std::make_move_iterator(binding.begin()),
                      std::make_move_iterator(binding.end()));

  facts.answers[Question::hardware] = answer_hardware(facts);
  facts.answers[Question::initial_state] = answer_initial_state(facts);
  facts.answers[Question::boot_chain] = answer_boot_chain(facts);
  facts.answers[Question::storage] = answer_storage(facts);
  facts.answers[Question::provisioning] = answer_provisioning(facts);

  Appraisal out;
  out.verdict.outcome = decide(facts);
  out.verdict.simulated = facts.simulated;
  out.verdict.claims_json = claims_to_json(bundle.statement, facts);
  out.verdict.answers = std::move(facts.answers);
  out.verdict.checks = std::move(facts.checks);
  out.statement = std::move(facts.statement);
  return out;
}

}  // namespace attestd
