// Bundles of an AWS instance: who isolates the vTPM, and what must agree.
#include <algorithm>

#include "evidence/nitro_document.h"
#include "sim/signer/nitro_signer.h"
#include "tests/catch.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/appraise.h"

namespace attestd::test {
namespace {

constexpr std::string_view instance_module = "i-0123456789abcdef0-tpm0000000000000000";

const sim::NitroSigner& nitro_signer() {
  static const sim::NitroSigner minted = sim::NitroSigner::mint({}).value();
  return minted;
}

struct AwsVm {
  AwsVm() {
    base.statement.platform.name = "aws-snp";
    base.firmware_log.clear();
    base.pcrs.clear();
    for (unsigned i = 0; i < 8; ++i) base.pcrs[HashAlgorithm::sha384][i] = Bytes(48, static_cast<std::byte>(i + 1));
  }

  struct Hooks {
    std::function<void(NitroDocument&)> document;  // complete, before it is signed
    std::function<void(PcrValues&)> quoted;        // what the quote says
    std::function<void(Bundle&)> bundle;
    std::function<void(sim::NitroSignerOptions&)> signer;
  };
  [[nodiscard]] Bundle bundle(const Hooks& hooks) const {
    SimulatedVm::Hooks inner;
    inner.bundle = [&](Bundle& out) {
      const MerkleHash root = bundle_root(out).value();
      PcrValues quoted = base.pcrs;
      if (hooks.quoted) hooks.quoted(quoted);
      out.tpm = base.ak.quote(quote_qualifying_data(root), quoted);
      NitroDocument document;
      document.pcrs = base.pcrs.at(HashAlgorithm::sha384);
      for (unsigned i = 8; i < 24; ++i) document.pcrs[i] = Bytes(48);
      document.nonce = to_bytes(root);
      if (hooks.document) hooks.document(document);
      sim::NitroSignerOptions options;
      if (hooks.signer) hooks.signer(options);
      out.nitro_document = nitro_signer().reissue(options)->sign(document, test_time).value();
      if (hooks.bundle) hooks.bundle(out);
    };
    return base.bundle(test_nonce(), inner);
  }

  SimulatedVm base;
};

const AwsVm& vm() {
  static const AwsVm one;
  return one;
}

Policy policy() {
  Policy out = policy_for(vm().base);
  out.secure_boot = std::nullopt;
  out.vtpm_isolation = {"nitro"};
  out.nitro_modules = {std::string(instance_module)};
  out.roots.nitro.push_back(nitro_signer().root_der());
  return out;
}

Verdict judge(const AwsVm::Hooks& hooks, const Policy& by = policy()) {
  return appraise(vm().bundle(hooks), by, context_for(test_nonce())).verdict;
}

bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}

}  // namespace

TEST_CASE("an AWS instance is trusted by its document, which says that Nitro isolates the vTPM") {
  const Verdict verdict = judge({});
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.simulated);
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-nitro"));
  for (const char* const id :
       {"nitro.signature", "nitro.chain", "nitro.kind", "nitro.binding", "nitro.pcrs", "tpm.ak"}) {
    CAPTURE(id);
    REQUIRE(verdict.find(id) != nullptr);
    CHECK(verdict.find(id)->result == CheckResult::pass);
  }
  CHECK(verdict.claims_json.find(instance_module) != std::string::npos);
}

TEST_CASE("a document that is not of this quote, this statement or this authority isolates nothing") {
  const struct {
    const char* check;
    AwsVm::Hooks hooks;
  } cases[] = {
      {"nitro.kind", {.document = [](NitroDocument& document) { document.kind = NitroKind::enclave; }}},
      {"nitro.binding", {.document = [](NitroDocument& document) { document.nonce.reset(); }}},
      {"nitro.binding", {.document = [](NitroDocument& document) { (*document.nonce)[63] ^= std::byte{1}; }}},
      {"nitro.pcrs", {.document = [](NitroDocument& document) { document.pcrs[4][0] ^= std::byte{1}; }}},
      {"nitro.pcrs", {.document = [](NitroDocument& document) { document.pcrs.erase(7); }}},
      // The same values under another bank's name, and a bank more than it vouches for.
      {"nitro.pcrs", {.quoted = [](PcrValues& quoted) { quoted[HashAlgorithm::sha256][0] = Bytes(32, std::byte{1}); }}},
      {"nitro.chain", {.signer = [](sim::NitroSignerOptions& options) { options.defects.zonal_is_no_ca = true; }}},
      {"nitro.signature",
       {.signer = [](sim::NitroSignerOptions& options) { options.defects.signed_by_another_key = true; }}},
      {"nitro.signature", {.bundle = [](Bundle& bundle) { bundle.nitro_document.pop_back(); }}},
  };
  for (const auto& one : cases) {
    const Verdict verdict = judge(one.hooks);
    INFO(one.check << "\n" << verdict_to_text(verdict, false));
    REQUIRE(verdict.find(one.check) != nullptr);
    CHECK(verdict.find(one.check)->result == CheckResult::fail);
    CHECK(verdict.outcome == Outcome::refused);
    CHECK_FALSE(has_reason(verdict, Question::boot_chain, "vtpm-nitro"));
    // Nor does it say whose machine this is, to those who ask for nothing else.
    if (one.check != std::string_view("nitro.pcrs")) {
      Policy identity = policy();
      identity.required = {Question::hardware};
      CHECK(judge(one.hooks, identity).outcome == Outcome::refused);
    }
    CHECK(verdict.answers.at(Question::boot_chain).answer != Answer::yes);
    // Nor does the policy's acceptance of a vTPM that the host runs hide it.
    Policy lax = policy();
    lax.vtpm_isolation = {"host", "nitro"};
    CHECK(judge(one.hooks, lax).outcome == Outcome::refused);
  }
}

TEST_CASE("without a document the vTPM is the host's") {
  const Verdict verdict = judge({.bundle = [](Bundle& bundle) { bundle.nitro_document.clear(); }});
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::undecided);
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-not-isolated"));
  CHECK(verdict.find("nitro.signature") == nullptr);
}

TEST_CASE("the document's root must be AWS's or named, and its certificate valid now") {
  Policy without = policy();
  without.roots.nitro.pop_back();
  CHECK(judge({}, without).outcome == Outcome::refused);
  // Named for something else it does not count, and it counts for nothing else.
  const auto misplaced = [](std::vector<Bytes> TrustRoots::* list) {
    Policy by = policy();
    by.roots.nitro.clear();
    (by.roots.*list).push_back(nitro_signer().root_der());
    return judge({}, by);
  };
  CHECK(misplaced(&TrustRoots::named).find("nitro.chain")->result == CheckResult::fail);
  CHECK(misplaced(&TrustRoots::vtpm).find("nitro.chain")->result == CheckResult::fail);
  CHECK(misplaced(&TrustRoots::nitro).find("nitro.chain")->result == CheckResult::pass);
  Policy swapped = policy();
  std::swap(swapped.roots.named, swapped.roots.nitro);
  CHECK(judge({}, swapped).find("snp.chain")->result == CheckResult::fail);
  AppraisalContext later = context_for(test_nonce());
  later.at += 86400;
  const Verdict verdict = appraise(vm().bundle({}), policy(), later).verdict;
  REQUIRE(verdict.find("nitro.chain") != nullptr);
  CHECK(verdict.find("nitro.chain")->result == CheckResult::fail);
  CHECK(verdict.outcome == Outcome::refused);
}

TEST_CASE("another instance's document would do as well where the policy names none") {
  Policy any = policy();
  any.nitro_modules.clear();
  const Verdict verdict = judge({}, any);
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::undecided);
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-not-isolated"));
}

TEST_CASE("a policy can pin the instance, and policy init does") {
  Policy pinned = policy();
  pinned.nitro_modules = {std::string(instance_module)};
  CHECK(judge({}, pinned).outcome == Outcome::trusted);
  pinned.nitro_modules = {"i-ffffffffffffffff0-tpm0000000000000000"};
  const Verdict verdict = judge({}, pinned);
  CHECK(verdict.outcome == Outcome::refused);
  CHECK(verdict.find("nitro.module")->result == CheckResult::fail);

  const auto written = make_policy(vm().bundle({}), "a test");
  REQUIRE(written);
  INFO(*written);
  auto parsed = parse_policy(*written, "");
  REQUIRE(parsed);
  CHECK(parsed->nitro_modules == std::set<std::string>{std::string(instance_module)});
  CHECK(parsed->vtpm_isolation == std::set<std::string>{"nitro"});
  parsed->roots = policy().roots;
  CHECK(judge({}, *parsed).outcome == Outcome::trusted);
  CHECK(explain_policy(*parsed).find(instance_module) != std::string::npos);
  // A module ID that would leave its TOML string is not written.
  const auto hostile = make_policy(
      vm().bundle({.document = [](NitroDocument& document) { document.module_id = "x\"]\nrequired = []\n"; }}),
      "a test");
  REQUIRE(hostile);
  CHECK(hostile->find("required = []") == std::string::npos);
  CHECK(parse_policy(*hostile, ""));
}

}  // namespace attestd::test
