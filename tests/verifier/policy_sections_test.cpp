// Every section of a policy is about some evidence, and the host can leave evidence
// out: then the section must be missed, never lapse.
#include <algorithm>

#include "tests/catch.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/appraise.h"

namespace attestd::test {
namespace {

bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}

Policy parsed(const std::string& toml) {
  auto policy = parse_policy(toml, "");
  INFO(toml);
  REQUIRE(policy);
  policy->roots.named = {signer().root_der()};
  return *std::move(policy);
}

}  // namespace

TEST_CASE("a section of a policy does not lapse because the bundle leaves its evidence out") {
  const SimulatedVm vm;
  const Bundle whole = vm.bundle(test_nonce());
  const Bundle without_quote = vm.bundle(test_nonce(), {{}, {}, [](Bundle& b) { b.tpm.reset(); }});
  const Bundle without_claims = vm.bundle(test_nonce(), {[](Statement& s) {
                                                           s.storage.reset();
                                                           s.provisioning.reset();
                                                         },
                                                         {},
                                                         {}});
  const std::string made = make_policy(whole, "a test").value();
  const std::string made_without_quote = make_policy(without_quote, "a test").value();
  const struct {
    const char* section;
    const Bundle& bundle;
    const std::string& base;
    Question question;
    const char* code;
  } cases[] = {
      {"[azure]\nvm-ids = [\"00000000-0000-0000-0000-000000000001\"]", whole, made, Question::hardware,
       "azure.configuration"},
      {"[azure]\nsecure-boot = true", whole, made, Question::hardware, "azure.configuration"},
      {"[azure]\nconsole = false", whole, made, Question::hardware, "azure.configuration"},
      {"[azure]\ntpm-persisted = false", without_quote, made_without_quote, Question::hardware, "azure.configuration"},
      {"[gcp]\nproject-ids = [\"mine\"]", whole, made, Question::hardware, "gcp.instance"},
      {"[gcp]\nproduction = true", without_quote, made_without_quote, Question::hardware, "gcp.instance"},
      {"[nitro]\nmodules = [\"i-0-tpm0\"]", whole, made, Question::hardware, "nitro.module"},
      {"[nitro]\nmodules = [\"i-0-tpm0\"]", without_quote, made_without_quote, Question::hardware, "nitro.module"},
      {"[svsm]\nstates = [\"stateful\"]", whole, made, Question::boot_chain, "svsm.policy"},
      {"", without_quote, made, Question::boot_chain, "no-tpm-quote"},
      {"", without_claims, made, Question::storage, "not-collected"},
      {"", without_claims, made, Question::provisioning, "not-collected"},
  };
  for (const auto& c : cases) {
    INFO(c.section << " " << c.code);
    Policy policy = parsed(c.base + "\n" + c.section + "\n");
    policy.required.insert(c.question);
    const Verdict verdict = appraise(c.bundle, policy, context_for(test_nonce())).verdict;
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == Outcome::undecided);
    CHECK(verdict.answers.at(c.question).answer == Answer::unknown);
    CHECK(has_reason(verdict, c.question, c.code));
    // The identity of the machine is missed even by those who ask nothing but its hardware.
    policy.required = {Question::hardware};
    CHECK((appraise(c.bundle, policy, context_for(test_nonce())).verdict.outcome == Outcome::undecided) ==
          (c.question == Question::hardware));
  }
  // None of them is missed by what they were added to.
  CHECK(appraise(whole, parsed(made), context_for(test_nonce())).verdict.outcome == Outcome::trusted);
  CHECK(appraise(without_quote, parsed(made_without_quote), context_for(test_nonce())).verdict.outcome ==
        Outcome::trusted);
}

TEST_CASE("a policy of TDX alone says nothing of an SEV-SNP machine") {
  const SimulatedVm vm;
  const Bundle bundle = vm.bundle(test_nonce());
  const std::string head = "[policy]\nversion = 1\nrequired = [\"hardware\"]\n";
  const struct {
    const char* sections;
    Outcome outcome;
  } cases[] = {
      {"", Outcome::trusted},
      {"[snp]\n", Outcome::trusted},
      {"[snp]\n[tdx]\n", Outcome::trusted},
      {"[tdx]\n", Outcome::undecided},
      {"[tdx]\ntcb-status = [\"UpToDate\"]\n", Outcome::undecided},
      {"[tdx.rtmrs]\n", Outcome::undecided},
  };
  for (const auto& c : cases) {
    INFO(c.sections);
    const Verdict verdict = appraise(bundle, parsed(head + c.sections), context_for(test_nonce())).verdict;
    CHECK(verdict.outcome == c.outcome);
    CHECK(has_reason(verdict, Question::hardware, "hardware-not-in-policy") == (c.outcome == Outcome::undecided));
  }
}

TEST_CASE("a TCB minimum that cannot be compared is missed") {
  const SimulatedVm vm;
  Policy policy = policy_for(vm);
  policy.snp_minimum_tcb[SnpProduct::milan] = {};
  CHECK(appraise(vm.bundle(test_nonce()), policy, context_for(test_nonce())).verdict.outcome == Outcome::trusted);
  policy.snp_minimum_tcb = {{SnpProduct::turin, {}}};
  CHECK(appraise(vm.bundle(test_nonce()), policy, context_for(test_nonce())).verdict.outcome == Outcome::refused);
}

}  // namespace attestd::test
