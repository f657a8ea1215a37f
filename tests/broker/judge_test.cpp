#include "broker/judge.h"

#include "tests/broker/simulated_guest.h"
#include "tests/catch.h"

namespace attestd::test {
namespace {

using broker::Judge;
using broker::Judgement;
using broker::StoredPolicy;

const SimulatedVm& vm() {
  static const SimulatedVm one;
  return one;
}

StoredPolicy policy(const std::string& name, std::string toml, std::int64_t version = 1) {
  return {name, std::move(toml), version, 0};
}

Judgement judge(const Judge& judge, const std::vector<StoredPolicy>& policies) {
  return judge.judge(vm().bundle(test_nonce()), context_for(test_nonce()), policies);
}

std::string other_measurement() {
  SimulatedVm other;
  other.report.measurement[0] ^= std::byte{1};
  return policy_toml(other);
}

}  // namespace

TEST_CASE("each policy judges by itself") {
  struct Case {
    std::string toml;
    Outcome outcome;
    std::string says;  // in the refusal
  };
  const Case cases[] = {{policy_toml(vm()), Outcome::trusted, ""},
                        {other_measurement(), Outcome::refused, "policy p: "},
                        {"[policy]\nversion = 1\nrequired = [\"hardware\"]\n", Outcome::refused, "policy p: "},
                        {"[policy]\nversion = 77\n", Outcome::undecided, "policy p: "},
                        {"", Outcome::undecided, "policy p: "}};
  for (const Case& each : cases) {
    INFO(each.toml);
    const Judge one("");
    const Judgement out = judge(one, {policy("p", each.toml)});
    REQUIRE(out.decisions.size() == 1);
    CHECK(out.decisions[0].outcome == each.outcome);
    const bool trusted = each.outcome == Outcome::trusted;
    CHECK((out.trusted() != nullptr) == trusted);
    CHECK(out.statement.has_value() == trusted);
    CHECK(out.simulated == trusted);
    CHECK(out.decisions[0].reasons.empty() == trusted);
    if (!trusted) CHECK(out.refusal().starts_with(each.says));
  }
}

TEST_CASE("one policy that trusts is enough, wherever it stands, and one that does not parse stops none") {
  const Judge one("");
  const Judgement out =
      judge(one, {policy("bad", "?"), policy("other", other_measurement()), policy("good", policy_toml(vm()))});
  REQUIRE(out.decisions.size() == 3);
  REQUIRE(out.trusted() != nullptr);
  CHECK(out.trusted()->policy == "good");
  CHECK(out.decisions[0].outcome == Outcome::undecided);
  CHECK(out.decisions[1].outcome == Outcome::refused);
  CHECK(out.refusal().find("; policy other: ") != std::string::npos);
}

TEST_CASE("without a policy nothing is trusted") {
  const Judge one("");
  const Judgement out = judge(one, {});
  CHECK(out.trusted() == nullptr);
  CHECK(out.refusal() == "the broker has no policy");
}

TEST_CASE("a new version of a policy judges, though the old one was parsed") {
  const Judge one("");
  CHECK(judge(one, {policy("p", policy_toml(vm()), 1)}).trusted() != nullptr);
  CHECK(judge(one, {policy("p", other_measurement(), 2)}).trusted() == nullptr);
  CHECK(judge(one, {policy("p", policy_toml(vm()), 3)}).trusted() != nullptr);
}

TEST_CASE("what was verified once is not believed of other evidence") {
  const Judge one("");
  CHECK(judge(one, {policy("p", policy_toml(vm()))}).trusted() != nullptr);
  Bundle forged = vm().bundle(test_nonce());
  forged.snp_report[0x90] ^= std::byte{1};
  CHECK(one.judge(forged, context_for(test_nonce()), {policy("p", policy_toml(vm()))}).trusted() == nullptr);
  CHECK(
      one.judge(vm().bundle(test_nonce()), context_for(to_bytes("another nonce 16")), {policy("p", policy_toml(vm()))})
          .trusted() == nullptr);
}

}  // namespace attestd::test
