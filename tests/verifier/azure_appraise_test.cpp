// Bundles of an Azure SNP VM: who binds what, and what the verdict says of it.
#include <algorithm>

#include "base/encoding.h"
#include "evidence/hcl_report.h"
#include "tests/catch.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/appraise.h"

namespace attestd::test {
namespace {

std::string pem(ByteView der) {
  const std::string text = to_base64(der);
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

struct AzureVm {
  AzureVm() {
    base.statement.ak_name = ak.name();
    base.statement.platform.name = "azure-snp";
    runtime.keys = {{"HCLAkPub", {"sign"}, 65537, ak.modulus()}};
    runtime.secure_boot = true;
    runtime.console_enabled = true;
    runtime.vm_unique_id = "11111111-2222-3333-4444-555555555555";
  }

  struct Hooks {
    std::function<void(HclRuntimeData&, const MerkleHash& root)> runtime;
    std::function<void(SnpReport&)> report;  // with its report data, before it is signed
    std::function<void(HclReport&)> hcl;     // after everything is signed
    std::function<void(Bundle&, const MerkleHash& root)> bundle;
  };
  [[nodiscard]] Bundle bundle(const Hooks& hooks) const {
    Bundle out = base.bundle(test_nonce());
    const MerkleHash root = bundle_root(out).value();
    out.tpm = ak.quote(quote_qualifying_data(root), base.pcrs);
    HclRuntimeData said = runtime;
    if (hooks.runtime) hooks.runtime(said, root);
    HclReport hcl;
    hcl.runtime_data = to_bytes(encode_hcl_runtime_data(said));
    SnpReport report = base.report;
    report.report_data = hcl.expected_report_data();
    if (hooks.report) hooks.report(report);
    signer().sign(report).value();
    hcl.hardware_report = encode_snp_report(report);
    if (hooks.hcl) hooks.hcl(hcl);
    out.hcl_report = encode_hcl_report(hcl);
    out.snp_report.clear();
    out.snp_certificates.clear();
    std::string certificates;
    for (const SnpCertificate& one : signer().certificates()) certificates += pem(one.data);
    out.certificates = to_bytes(certificates);
    if (hooks.bundle) hooks.bundle(out, root);
    return out;
  }

  SimulatedVm base;
  SoftwareAk ak{SoftwareAk::Kind::rsa};
  HclRuntimeData runtime;
};

const AzureVm& vm() {
  static const AzureVm one;
  return one;
}

Policy policy() {
  Policy out = policy_for(vm().base);
  out.vtpm_isolation = {"paravisor"};
  out.snp_measurements.at(0).vtpm = "paravisor";
  return out;
}

Verdict judge(const AzureVm::Hooks& hooks, const Policy& by = policy()) {
  return appraise(vm().bundle(hooks), by, context_for(test_nonce())).verdict;
}

bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  return check->result;
}

}  // namespace

TEST_CASE("an Azure VM is trusted by its vTPM's key, and freshness is the vTPM's") {
  const Verdict verdict = judge({});
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.simulated);
  for (const std::string_view id : {"binding.report-data", "snp.signature", "snp.chain", "snp.measurement",
                                    "azure.runtime-data", "azure.ak", "tpm.signature"}) {
    CAPTURE(id);
    CHECK(result_of(verdict, id) == CheckResult::pass);
  }
  CHECK(has_reason(verdict, Question::hardware, "fresh-by-vtpm"));
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-paravisor"));
}

TEST_CASE("user data that carry the root make the hardware report fresh itself") {
  const auto carry = [](HclRuntimeData& runtime, const MerkleHash& root) { runtime.user_data = root; };
  const Verdict verdict = judge({.runtime = carry});
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(has_reason(verdict, Question::hardware, "fresh-by-hardware"));
  // And bind it without a vTPM, for who does not ask question 3.
  Policy hardware_only = policy();
  hardware_only.required = {Question::hardware, Question::initial_state};
  const auto drop_tpm = [](Bundle& bundle, const MerkleHash&) { bundle.tpm.reset(); };
  CHECK(judge({.runtime = carry, .bundle = drop_tpm}, hardware_only).outcome == Outcome::trusted);
  // Without either nothing binds the statement.
  const Verdict unbound = judge({.bundle = drop_tpm}, hardware_only);
  CHECK(unbound.outcome == Outcome::undecided);
  CHECK(result_of(unbound, "binding.report-data") == CheckResult::skipped);
}

TEST_CASE("the paravisor is one only when the launch digest is a reference") {
  Policy other = policy();
  other.snp_measurements[0].value[0] ^= std::byte{1};
  other.required = {Question::hardware, Question::boot_chain};
  const Verdict verdict = judge({}, other);
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome != Outcome::trusted);
  CHECK_FALSE(has_reason(verdict, Question::boot_chain, "vtpm-paravisor"));
  CHECK(has_reason(verdict, Question::boot_chain, "vtpm-not-isolated"));
}

TEST_CASE("what a host or a relay changes is refused, by the check that is about it") {
  static const SoftwareAk other(SoftwareAk::Kind::rsa);
  struct Case {
    const char* what;
    AzureVm::Hooks hooks;
    std::string_view check;
  };
  const Case cases[] = {
      {"a quote by another vTPM's key",
       {.bundle =
            [](Bundle& bundle, const MerkleHash& root) {
              bundle.tpm = other.quote(quote_qualifying_data(root), vm().base.pcrs);
            }},
       "azure.ak"},
      {"runtime data with another key",
       {.hcl =
            [](HclReport& hcl) {
              HclRuntimeData runtime = vm().runtime;
              runtime.keys[0].modulus = other.modulus();
              hcl.runtime_data = to_bytes(encode_hcl_runtime_data(runtime));
            }},
       "azure.runtime-data"},
      {"a report for the guest's own kernel, with any runtime data it likes",
       {.report = [](SnpReport& report) { report.vmpl = 2; }},
       "azure.runtime-data"},
      {"a quote of another request",
       {.bundle =
            [](Bundle& bundle, const MerkleHash&) {
              bundle.tpm = vm().ak.quote(quote_qualifying_data(MerkleHash{}), vm().base.pcrs);
            }},
       "binding.report-data"},
      {"user data that carry another root do not hurt, but the quote must then be right",
       {.runtime = [](HclRuntimeData& runtime, const MerkleHash&) { runtime.user_data.emplace().fill(std::byte{1}); },
        .bundle =
            [](Bundle& bundle, const MerkleHash&) {
              bundle.tpm = vm().ak.quote(quote_qualifying_data(MerkleHash{}), vm().base.pcrs);
            }},
       "binding.report-data"},
      {"a SNP report of its own beside the paravisor's",
       {.bundle = [](Bundle& bundle,
                     const MerkleHash&) { bundle.snp_report = vm().base.bundle(test_nonce()).snp_report; }},
       "binding.report-data"},
      {"a TD quote beside the paravisor's SNP report",
       {.bundle = [](Bundle& bundle, const MerkleHash&) { bundle.td_quote = Bytes(700, std::byte{4}); }},
       "binding.report-data"},
      {"an HCL report that is none",
       {.bundle = [](Bundle& bundle, const MerkleHash&) { bundle.hcl_report.resize(100); }},
       "azure.runtime-data"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const Verdict verdict = judge(one.hooks);
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == Outcome::refused);
    CHECK(result_of(verdict, one.check) == CheckResult::fail);
  }
}

TEST_CASE("firmware without a paravisor has none, whatever runtime data its guest makes up") {
  for (const std::string_view keeper : {"", "vmpl"}) {
    CAPTURE(keeper);
    Policy plain = policy();
    plain.snp_measurements.at(0).vtpm = keeper;
    const Verdict verdict = judge({}, plain);
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.find("snp.measurement")->result == CheckResult::pass);
    CHECK_FALSE(has_reason(verdict, Question::boot_chain, "vtpm-paravisor"));
    CHECK(verdict.outcome == Outcome::undecided);
  }
}

TEST_CASE("a metadata service that gives the wrong VCEK, rubbish or nothing gets nobody trusted") {
  struct Case {
    const char* what;
    Bytes certificates;
    Answer answer;  // a certificate that did not sign is a no, none at all is nothing to say
  };
  static const sim::SnpSigner stranger = [] {
    sim::SnpSignerOptions options;
    options.chip_id.fill(std::byte{0x99});
    return signer().reissue(options).value();
  }();
  const Case cases[] = {
      {"the VCEK of another chip", to_bytes(pem(stranger.certificates()[0].data)), Answer::no},
      {"rubbish", to_bytes(std::string_view("not a certificate")), Answer::unknown},
      {"nothing", {}, Answer::unknown},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const Verdict verdict =
        judge({.bundle = [&](Bundle& bundle, const MerkleHash&) { bundle.certificates = one.certificates; }});
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == (one.answer == Answer::no ? Outcome::refused : Outcome::undecided));
    CHECK(verdict.answers.at(Question::hardware).answer == one.answer);
    CHECK_FALSE(has_reason(verdict, Question::boot_chain, "vtpm-paravisor"));
  }
  // Certificates of one's own do in their place.
  AppraisalContext context = context_for(test_nonce());
  for (const SnpCertificate& one : signer().certificates()) context.extra_endorsements.certificates.push_back(one.data);
  const Bundle bundle = vm().bundle({.bundle = [](Bundle& out, const MerkleHash&) { out.certificates.clear(); }});
  CHECK(appraise(bundle, policy(), context).verdict.outcome == Outcome::trusted);
}

TEST_CASE("the policy that init writes of an Azure VM accepts it, and no other VM") {
  const Bundle bundle = vm().bundle({});
  const std::string text = make_policy(bundle, "bundle.json").value();
  CAPTURE(text);
  Policy parsed = parse_policy(text, "").value();
  parsed.roots.named = {signer().root_der()};
  CHECK(parsed.azure.vm_ids.contains(vm().runtime.vm_unique_id));
  CHECK(parsed.azure.secure_boot == true);
  CHECK(parsed.vtpm_isolation == std::set<std::string>{"paravisor"});
  CHECK(appraise(bundle, parsed, context_for(test_nonce())).verdict.outcome == Outcome::trusted);
  const Verdict other =
      judge({.runtime = [](HclRuntimeData& runtime, const MerkleHash&) { runtime.vm_unique_id = "another"; }}, parsed);
  CHECK(other.outcome == Outcome::refused);
  CHECK(result_of(other, "azure.configuration") == CheckResult::fail);
  CHECK(explain_policy(parsed).find(vm().runtime.vm_unique_id) != std::string::npos);
}

TEST_CASE("keys of [azure] that are unknown or of a wrong type are errors") {
  for (const char* text : {"vm-id = [\"x\"]", "vm-ids = \"x\"", "secure-boot = \"yes\"", "console = 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_policy(std::string("[policy]\nversion = 1\n[azure]\n") + text + "\n", ""));
  }
}

}  // namespace attestd::test
