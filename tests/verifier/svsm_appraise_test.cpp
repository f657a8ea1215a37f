// Bundles of a VM under an SVSM, and of one whose keys Google certified.
#include <algorithm>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "evidence/svsm_manifest.h"
#include "sim/signer/gcp_signer.h"
#include "tests/catch.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/credential.h"

namespace attestd {
namespace {

using test::context_for;
using test::policy_for;
using test::SimulatedVm;
using test::test_nonce;

// An RSA-2048 endorsement key by template L-1, whose modulus is made up: nothing here
// encrypts to it.
Bytes endorsement_area(std::uint8_t seed) {
  Writer out;
  out.be16(0x0001).be16(0x000b).be32(0x000300b2).be16(0);
  out.be16(0x0006).be16(128).be16(0x0043).be16(0x0010).be16(2048).be32(0);
  return out.be16(256).raw(Bytes(256, std::byte{seed})).take();
}

struct SvsmVm {
  SimulatedVm vm;
  Bytes manifest = endorsement_area(0xa5);
  Bytes seed = Bytes(activation_seed_size, std::byte{7});
  SimulatedVm::Hooks hooks;

  SvsmVm() {
    const Bytes ek_name = svsm_endorsement_key(manifest)->name;
    hooks.statement = [this, ek_name](Statement& statement) {
      statement.ak_activation = digest(HashAlgorithm::sha256, {activation_secret(seed, ek_name, vm.ak.name())});
    };
    hooks.report = [this](SnpReport& report) { report.report_data = svsm_report_data(report.report_data, manifest); };
    hooks.bundle = [this](Bundle& bundle) {
      bundle.svsm_manifest = manifest;
      bundle.tpm->ek_public = manifest;
    };
  }
  [[nodiscard]] Policy policy() const {
    Policy out = policy_for(vm);
    out.vtpm_isolation = {"vmpl"};
    out.snp_measurements.at(0).vtpm = "vmpl";
    return out;
  }
  [[nodiscard]] AppraisalContext context() const {
    AppraisalContext out = context_for(test_nonce());
    out.activation_seed = seed;
    return out;
  }
  [[nodiscard]] Verdict judge(const AppraisalContext& context) const {
    return appraise(vm.bundle(test_nonce(), hooks), policy(), context).verdict;
  }
  [[nodiscard]] Verdict judge() const { return judge(context()); }
};

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  INFO(check->detail);
  return check->result;
}

bool says(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}

TEST_CASE("an SVSM's report, manifest and activated credential make the vTPM's isolation VMPL 0") {
  const SvsmVm svsm;
  const Verdict verdict = svsm.judge();
  for (const char* const id : {"binding.report-data", "svsm.manifest", "svsm.ak", "tpm.ak"}) {
    INFO(id);
    CHECK(result_of(verdict, id) == CheckResult::pass);
  }
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(says(verdict, Question::boot_chain, "vtpm-vmpl"));
  CHECK(verdict.claims_json.find("\"svsm\"") != std::string::npos);
}

struct Hostile {
  const char* what;
  void (*change)(SvsmVm&);
  const char* check;
  CheckResult result;
};

TEST_CASE("firmware without an SVSM has none, whatever manifest its guest has attested") {
  const SvsmVm svsm;
  for (const std::string_view keeper : {"", "paravisor"}) {
    CAPTURE(keeper);
    Policy plain = svsm.policy();
    plain.snp_measurements.at(0).vtpm = keeper;
    const Verdict verdict = appraise(svsm.vm.bundle(test_nonce(), svsm.hooks), plain, svsm.context()).verdict;
    CHECK(verdict.find("snp.measurement")->result == CheckResult::pass);
    CHECK_FALSE(says(verdict, Question::boot_chain, "vtpm-vmpl"));
    CHECK(verdict.outcome != Outcome::trusted);
  }
}

TEST_CASE("isolation by an SVSM is never claimed for what does not show it") {
  const Hostile table[] = {
      {"the report is the guest's own, of VMPL 1, over a manifest that the guest made up",
       [](SvsmVm& s) {
         s.hooks.report = [&s](SnpReport& report) {
           report.report_data = svsm_report_data(report.report_data, s.manifest);
           report.vmpl = 1;
         };
       },
       "svsm.manifest", CheckResult::fail},
      {"the report carries the root alone", [](SvsmVm& s) { s.hooks.report = [](SnpReport&) {}; }, "svsm.manifest",
       CheckResult::fail},
      {"the manifest is another",
       [](SvsmVm& s) { s.hooks.bundle = [](Bundle& bundle) { bundle.svsm_manifest = endorsement_area(0xa6); }; },
       "svsm.manifest", CheckResult::fail},
      {"the TPM's endorsement key is another",
       [](SvsmVm& s) {
         s.hooks.bundle = [&s](Bundle& bundle) {
           bundle.svsm_manifest = s.manifest;
           bundle.tpm->ek_public = endorsement_area(0xa6);
         };
       },
       "svsm.manifest", CheckResult::fail},
      {"the manifest has no key", [](SvsmVm& s) { s.manifest = encode_svsm_services({}); }, "svsm.manifest",
       CheckResult::fail},
      {"nothing was activated", [](SvsmVm& s) { s.hooks.statement = [](Statement&) {}; }, "svsm.ak",
       CheckResult::skipped},
      {"something else was activated",
       [](SvsmVm& s) {
         s.hooks.statement = [](Statement& statement) { statement.ak_activation = Bytes(32, std::byte{1}); };
       },
       "svsm.ak", CheckResult::fail},
      {"the activation was of another attestation key",
       [](SvsmVm& s) {
         s.hooks.statement = [&s](Statement& statement) {
           const Bytes ek_name = svsm_endorsement_key(s.manifest)->name;
           const test::SoftwareAk other;
           statement.ak_activation = digest(HashAlgorithm::sha256, {activation_secret(s.seed, ek_name, other.name())});
         };
       },
       "svsm.ak", CheckResult::fail},
      {"another launch digest: no SVSM may run there",
       [](SvsmVm& s) {
         const auto before = s.hooks.report;
         s.hooks.report = [before](SnpReport& report) {
           before(report);
           report.measurement.fill(std::byte{1});
         };
       },
       "snp.measurement", CheckResult::fail},
  };
  for (const Hostile& hostile : table) {
    INFO(hostile.what);
    SvsmVm svsm;
    hostile.change(svsm);
    const Verdict verdict = svsm.judge();
    CHECK(result_of(verdict, hostile.check) == hostile.result);
    CHECK(verdict.outcome != Outcome::trusted);
    CHECK_FALSE(says(verdict, Question::boot_chain, "vtpm-vmpl"));
    CHECK(verdict.answers.at(Question::boot_chain).answer != Answer::yes);
  }
}

TEST_CASE("without the activation's secret it is unknown where the attestation key lives") {
  const SvsmVm svsm;
  const Verdict verdict = svsm.judge(context_for(test_nonce()));
  CHECK(result_of(verdict, "svsm.ak") == CheckResult::skipped);
  CHECK(verdict.answers.at(Question::boot_chain).answer == Answer::unknown);
  CHECK(verdict.outcome == Outcome::undecided);
}

TEST_CASE("without its manifest an SVSM's bundle is not bound at all") {
  SvsmVm svsm;
  svsm.hooks.bundle = [](Bundle& bundle) { bundle.svsm_manifest.clear(); };
  const Verdict verdict = svsm.judge();
  CHECK(result_of(verdict, "binding.report-data") == CheckResult::fail);
  CHECK(verdict.outcome == Outcome::refused);
}

TEST_CASE("a policy can demand a stateful vTPM, or one endorsement key") {
  const SvsmVm svsm;  // its quote counts seven resets
  const struct {
    const char* what;
    SvsmPolicy policy;
    CheckResult result;
  } table[] = {
      {"stateful", {{"stateful"}, {}}, CheckResult::pass},
      {"ephemeral", {{"ephemeral"}, {}}, CheckResult::fail},
      {"the key", {{}, {svsm_endorsement_key(svsm.manifest)->name}}, CheckResult::pass},
      {"another key", {{}, {Bytes(34)}}, CheckResult::fail},
  };
  for (const auto& row : table) {
    INFO(row.what);
    Policy policy = svsm.policy();
    policy.svsm = row.policy;
    const Verdict verdict = appraise(svsm.vm.bundle(test_nonce(), svsm.hooks), policy, svsm.context()).verdict;
    CHECK(result_of(verdict, "svsm.policy") == row.result);
    CHECK((verdict.outcome == Outcome::trusted) == (row.result == CheckResult::pass));
    CHECK(says(verdict, Question::boot_chain, "vtpm-stateful"));
  }
  // Nor does a bundle without an SVSM meet it.
  const SimulatedVm plain;
  Policy policy = policy_for(plain);
  policy.svsm.states = {"stateful"};
  const Verdict verdict = appraise(plain.bundle(test_nonce()), policy, context_for(test_nonce())).verdict;
  CHECK(verdict.outcome == Outcome::undecided);
}

TEST_CASE("a TPM that was started once is told from one that keeps its state") {
  TpmQuote quote;
  for (const auto& [resets, state] : {std::pair{0U, VtpmState::ephemeral},
                                      {1U, VtpmState::ephemeral},
                                      {2U, VtpmState::stateful},
                                      {900U, VtpmState::stateful}}) {
    quote.reset_count = resets;
    CHECK(vtpm_state(quote) == state);
  }
}

const sim::GcpSigner& google() {
  static const sim::GcpSigner minted = sim::GcpSigner::mint({}).value();
  return minted;
}

struct GcpVm {
  SimulatedVm vm;
  SimulatedVm::Hooks hooks;
  GcpVm() {
    hooks.bundle = [this](Bundle& bundle) {
      bundle.tpm->ak_certificate =
          google().certify(parse_tpm_public(vm.ak.public_area()).value(), TpmKeyUse::attestation).value();
      bundle.tpm->ak_chain = google().chain(TpmKeyUse::attestation);
    };
  }
  [[nodiscard]] Policy policy() const {
    Policy out = policy_for(vm);
    out.roots.vtpm.push_back(google().root_der());
    return out;
  }
  [[nodiscard]] Verdict judge(const Policy& policy) const {
    return appraise(vm.bundle(test_nonce(), hooks), policy, context_for(test_nonce())).verdict;
  }
};

TEST_CASE("a certified attestation key and its instance are told, and the host still runs the vTPM") {
  const GcpVm gcp;
  const Verdict verdict = gcp.judge(gcp.policy());
  CHECK(result_of(verdict, "tpm.ak-certificate") == CheckResult::pass);
  CHECK(result_of(verdict, "gcp.instance") == CheckResult::pass);
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.simulated);
  CHECK(says(verdict, Question::boot_chain, "vtpm-host"));
  CHECK(says(verdict, Question::boot_chain, "vtpm-certified"));
  // What is not checked is said.
  CHECK(result_of(verdict, "tpm.ak-revocation") == CheckResult::skipped);
  CHECK(says(verdict, Question::boot_chain, "vtpm-revocation-not-checked"));
  CHECK(verdict.claims_json.find("\"project_id\":\"attestd-sim\"") != std::string::npos);
}

TEST_CASE("a certificate of the attestation key that does not verify is never passed over") {
  GcpVm gcp;
  CHECK(result_of(gcp.judge(policy_for(gcp.vm)), "tpm.ak-certificate") == CheckResult::fail);
  // Roots of hardware and of documents do not vouch for keys, nor the other way round.
  for (const auto list : {&TrustRoots::named, &TrustRoots::nitro}) {
    Policy misplaced = policy_for(gcp.vm);
    (misplaced.roots.*list).push_back(google().root_der());
    CHECK(result_of(gcp.judge(misplaced), "tpm.ak-certificate") == CheckResult::fail);
  }
  Policy swapped = gcp.policy();
  std::swap(swapped.roots.named, swapped.roots.vtpm);
  CHECK(result_of(gcp.judge(swapped), "snp.chain") == CheckResult::fail);

  const auto before = gcp.hooks.bundle;
  gcp.hooks.bundle = [before](Bundle& bundle) {
    before(bundle);
    bundle.tpm->ak_chain.clear();
  };
  const Verdict incomplete = gcp.judge(gcp.policy());
  CHECK(result_of(incomplete, "tpm.ak-certificate") == CheckResult::skipped);
  CHECK(incomplete.outcome == Outcome::undecided);

  gcp.hooks.bundle = [before](Bundle& bundle) {
    before(bundle);
    const test::SoftwareAk other;
    bundle.tpm->ak_certificate =
        google().certify(parse_tpm_public(other.public_area()).value(), TpmKeyUse::attestation).value();
  };
  const Verdict foreign = gcp.judge(gcp.policy());
  CHECK(result_of(foreign, "tpm.ak-certificate") == CheckResult::fail);
  CHECK(foreign.outcome == Outcome::refused);

  // Another instance's key and certificate fit together, and are not this machine's.
  gcp.hooks.bundle = [](Bundle& bundle) {
    const test::SoftwareAk other;
    bundle.tpm->ak_public = other.public_area();
    bundle.tpm->ak_certificate =
        google().certify(parse_tpm_public(other.public_area()).value(), TpmKeyUse::attestation).value();
    bundle.tpm->ak_chain = google().chain(TpmKeyUse::attestation);
  };
  Policy identity = gcp.policy();
  identity.required = {Question::hardware};
  CHECK(gcp.judge(identity).outcome == Outcome::trusted);
  identity.gcp.project_ids = {"attestd-sim"};
  const Verdict attached = gcp.judge(identity);
  CHECK(result_of(attached, "gcp.instance") == CheckResult::pass);
  CHECK(attached.outcome == Outcome::refused);
}

TEST_CASE("a policy on the instance refuses every other") {
  const GcpVm gcp;
  const struct {
    const char* what;
    void (*set)(GcpPolicy&);
    bool good;
  } table[] = {
      {"the project", [](GcpPolicy& p) { p.project_ids = {"attestd-sim", "x"}; }, true},
      {"another project", [](GcpPolicy& p) { p.project_ids = {"x"}; }, false},
      {"the project's number", [](GcpPolicy& p) { p.project_numbers = {"123456789012"}; }, true},
      {"another project's number", [](GcpPolicy& p) { p.project_numbers = {"1"}; }, false},
      {"the instance", [](GcpPolicy& p) { p.instance_ids = {"6524697943022743941"}; }, true},
      {"another instance", [](GcpPolicy& p) { p.instance_ids = {"1"}; }, false},
      {"another name", [](GcpPolicy& p) { p.instance_names = {"instance-2"}; }, false},
      {"another zone", [](GcpPolicy& p) { p.zones = {"mars"}; }, false},
      {"production", [](GcpPolicy& p) { p.production = true; }, true},
      {"no production", [](GcpPolicy& p) { p.production = false; }, false},
  };
  for (const auto& row : table) {
    INFO(row.what);
    Policy policy = gcp.policy();
    row.set(policy.gcp);
    const Verdict verdict = gcp.judge(policy);
    CHECK((result_of(verdict, "gcp.instance") == CheckResult::pass) == row.good);
    CHECK((verdict.outcome == Outcome::trusted) == row.good);
  }
  // Nor does a bundle without a certificate meet it.
  Policy policy = policy_for(gcp.vm);
  policy.gcp.project_ids = {"attestd-sim"};
  const Verdict bare = appraise(gcp.vm.bundle(test_nonce()), policy, context_for(test_nonce())).verdict;
  CHECK(result_of(bare, "gcp.instance") == CheckResult::skipped);
  CHECK(bare.outcome == Outcome::undecided);
}

TEST_CASE("policies that policy init writes for both accept what they were written for") {
  const SvsmVm svsm;
  const auto svsm_text = make_policy(svsm.vm.bundle(test_nonce(), svsm.hooks), "test");
  REQUIRE(svsm_text);
  auto svsm_policy = parse_policy(*svsm_text, "");
  REQUIRE(svsm_policy);
  CHECK(svsm_policy->svsm.states == std::set<std::string>{"stateful"});
  CHECK(svsm_policy->svsm.endorsement_keys.size() == 1);
  svsm_policy->roots = svsm.policy().roots;
  CHECK(appraise(svsm.vm.bundle(test_nonce(), svsm.hooks), *svsm_policy, svsm.context()).verdict.outcome ==
        Outcome::trusted);

  const GcpVm gcp;
  const auto gcp_text = make_policy(gcp.vm.bundle(test_nonce(), gcp.hooks), "test");
  REQUIRE(gcp_text);
  auto gcp_policy = parse_policy(*gcp_text, "");
  REQUIRE(gcp_policy);
  CHECK(gcp_policy->gcp.instance_ids == std::set<std::string>{"6524697943022743941"});
  gcp_policy->roots = gcp.policy().roots;
  CHECK(gcp.judge(*gcp_policy).outcome == Outcome::trusted);
}

}  // namespace
}  // namespace attestd
