// Trustee's evidence before our verifier: what is trusted, and what is refused by which check.
#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "evidence/ccel.h"
#include "evidence/event_log_writer.h"
#include "evidence/hcl_report.h"
#include "sim/signer/tdx_signer.h"
#include "tests/catch.h"
#include "tests/kbs/exchange.h"
#include "tests/verifier/simulated_vm.h"

namespace attestd::test {
namespace {

using kbs::Binding;
using kbs::ProtocolVersion;
using kbs::Tee;

const SimulatedVm& vm() {
  static const SimulatedVm one;
  return one;
}

const sim::TdxSigner& td_signer() {
  static const sim::TdxSigner signer = sim::TdxSigner::mint({}).value();
  return signer;
}

Bundle snp_evidence(const Binding& binding) {
  SnpReport report = vm().report;
  report.report_data = binding.report_data;
  signer().sign(report).value();
  Bundle out;
  out.snp_report = encode_snp_report(report);
  out.snp_certificates = encode_snp_certificate_table(signer().certificates());
  return out;
}

Policy snp_policy() {
  Policy out = policy_for(vm());
  out.required = {Question::hardware, Question::initial_state};
  return out;
}

AppraisalContext now() {
  AppraisalContext out;
  out.at = test_time;
  return out;
}

Bytes cc_log() {
  EventLogWriter log({HashAlgorithm::sha384});
  log.measure(2, 0x80000003, as_bytes("the boot loader"));
  log.measure(3, 0x0000000d, as_bytes("the kernel"));
  return log.bytes();
}

TdQuoteBody td_body() {
  TdQuoteBody out = td_signer().body(TdBodyType::td_15);
  std::ranges::fill(out.mrtd, std::byte{0x7d});
  out.rtmrs = replay_rtmrs(parse_cc_event_log(cc_log()).value());
  return out;
}

Bundle tdx_evidence(const Binding& binding) {
  TdQuote quote;
  quote.body = td_body();
  quote.body.report_data = binding.report_data;
  Bundle out;
  out.td_quote = td_signer().sign_quote(quote).value();
  out.cc_event_log = cc_log();
  return out;
}

Policy tdx_policy() {
  Policy out;
  out.roots.named = {td_signer().root_der()};
  out.tdx.measurements = {{to_bytes(td_body().mrtd), ReferenceOrigin::own_firmware, ""}};
  for (unsigned i = 0; i < 3; ++i) out.tdx.rtmrs[i] = to_bytes(td_body().rtmrs[i]);
  return out;
}

AppraisalContext tdx_now() {
  AppraisalContext out = now();
  const sim::TdxSigner::Collateral all = td_signer().collateral().value();
  for (const Bytes* const bytes :
       {&all.tcb_info, &all.qe_identity, &all.pck_crl, &all.root_crl, &all.tcb_signing_chain}) {
    REQUIRE(add_tdx_collateral(*bytes, out.tdx_collateral));
  }
  return out;
}

// An Azure VM: its paravisor's report of boot, and the vTPM's quote of now.
struct AzureVm {
  SoftwareAk ak{SoftwareAk::Kind::rsa};
  PcrValues pcrs = vm().pcrs;

  AzureVm() {
    PcrBank& bank = pcrs[HashAlgorithm::sha256];
    for (unsigned i = 0; i < 24; ++i) bank.try_emplace(i, pcr_initial_value(HashAlgorithm::sha256, i));
  }
  static const AzureVm& instance() {
    static const AzureVm one;
    return one;
  }
  [[nodiscard]] HclReport hcl(const std::optional<FixedBytes<64>>& user_data) const {
    HclRuntimeData runtime;
    runtime.keys = {{"HCLAkPub", {"sign"}, 65537, ak.modulus()}};
    runtime.user_data = user_data;
    HclReport out;
    out.runtime_data = to_bytes(encode_hcl_runtime_data(runtime));
    return out;
  }
  [[nodiscard]] Bundle snp(const Binding& binding, bool user_data) const {
    HclReport paravisor = hcl(user_data ? std::optional(binding.report_data) : std::nullopt);
    SnpReport report = vm().report;
    report.report_data = paravisor.expected_report_data();
    signer().sign(report).value();
    paravisor.hardware_report = encode_snp_report(report);
    Bundle out;
    out.hcl_report = encode_hcl_report(paravisor);
    out.tpm = ak.quote(binding.qualifying_data, pcrs);
    out.certificates = signer().certificates().front().data;
    return out;
  }
};

Policy azure_policy() {
  Policy out = policy_for(vm());
  out.vtpm_isolation = {"paravisor"};
  out.snp_measurements.at(0).vtpm = "paravisor";
  out.secure_boot.reset();  // Trustee's evidence has no firmware log
  return out;
}

AppraisalContext azure_now() {
  AppraisalContext out = now();
  for (const SnpCertificate& one : signer().certificates()) out.extra_endorsements.certificates.push_back(one.data);
  return out;
}

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  return check->result;
}
Answer answer(const Verdict& verdict, Question question) { return verdict.answers.at(question).answer; }
bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}

// One case of what must not be trusted.
struct Refused {
  const char* what;
  Exchange exchange;
  const char* check;
  CheckResult result = CheckResult::fail;
};

void move_nonce(FixedBytes<kbs::nonce_size>& nonce) { nonce[31] ^= std::byte{1}; }

}  // namespace

TEST_CASE("an SNP guest's evidence is trusted in every version, and the rest is unknown") {
  for (const ProtocolVersion version :
       {ProtocolVersion::v0_1_1, ProtocolVersion::v0_2_0, ProtocolVersion::v0_3_0, ProtocolVersion::v0_4_0}) {
    for (const HashAlgorithm hash : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
      CAPTURE(kbs::version_name(version), hash_name(hash));
      const auto served = serve({.version = version, .hash = hash, .evidence = snp_evidence}, snp_policy(), now());
      REQUIRE(served);
      const Verdict& verdict = served->verdict;
      INFO(verdict_to_text(verdict, false));
      CHECK(verdict.outcome == Outcome::trusted);
      CHECK(verdict.simulated);
      CHECK_FALSE(served->statement);
      CHECK(result_of(verdict, "binding.report-data") == CheckResult::pass);
      CHECK(result_of(verdict, "binding.nonce") == CheckResult::pass);
      CHECK(verdict.find("binding.nonce")->detail.find("runtime data") != std::string::npos);
      for (const Question question : {Question::boot_chain, Question::storage, Question::provisioning}) {
        CAPTURE(question_name(question));
        CHECK(answer(verdict, question) == Answer::unknown);
        CHECK_FALSE(verdict.answers.at(question).reasons.empty());
      }
      CHECK(has_reason(verdict, Question::storage, "not-collected"));
    }
  }
  // By default question 3 is required, and a VM without a vTPM has no answer.
  Policy standard = snp_policy();
  standard.required = Policy().required;
  CHECK(serve({.evidence = snp_evidence}, standard, now())->verdict.outcome == Outcome::undecided);
}

TEST_CASE("a TD's evidence is trusted by its quote and registers") {
  const auto served = serve({.tee = Tee::tdx, .evidence = tdx_evidence}, tdx_policy(), tdx_now());
  REQUIRE(served);
  INFO(verdict_to_text(served->verdict, false));
  CHECK(served->verdict.outcome == Outcome::trusted);
  for (const Question question : {Question::hardware, Question::initial_state, Question::boot_chain}) {
    CHECK(answer(served->verdict, question) == Answer::yes);
  }
  CHECK(answer(served->verdict, Question::storage) == Answer::unknown);
}

TEST_CASE("an Azure VM's evidence is trusted by its vTPM's quote") {
  const AzureVm& azure = AzureVm::instance();
  for (const bool user_data : {false, true}) {
    CAPTURE(user_data);
    const auto served = serve(
        {.tee = Tee::az_snp_vtpm, .evidence = [&](const Binding& binding) { return azure.snp(binding, user_data); }},
        azure_policy(), azure_now());
    REQUIRE(served);
    const Verdict& verdict = served->verdict;
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == Outcome::trusted);
    for (const std::string_view id : {"binding.report-data", "binding.nonce", "azure.runtime-data", "azure.ak",
                                      "tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs"}) {
      CAPTURE(id);
      CHECK(result_of(verdict, id) == CheckResult::pass);
    }
    CHECK(has_reason(verdict, Question::boot_chain, "vtpm-paravisor"));
    CHECK(has_reason(verdict, Question::hardware, user_data ? "fresh-by-hardware" : "fresh-by-vtpm"));
  }
}

TEST_CASE("evidence of other devices is bound, as its exact text") {
  const Exchange sent{.additional_evidence = R"({"nvidia":{"a":"\n"}})", .evidence = snp_evidence};
  CHECK(serve(sent, snp_policy(), now())->verdict.outcome == Outcome::trusted);
  Exchange other = sent;
  other.message = [](kbs::Attestation& message) { message.additional_evidence = R"({"nvidia":{"a": "\n"}})"; };
  const auto served = serve(other, snp_policy(), now());
  CHECK(served->verdict.outcome == Outcome::refused);
  CHECK(result_of(served->verdict, "binding.report-data") == CheckResult::fail);
}

TEST_CASE("a nonce in the message that is not the session's is told at once") {
  CHECK(serve({.evidence = snp_evidence, .session = move_nonce}, snp_policy(), now()).error().code == Errc::mismatch);
}

TEST_CASE("SNP evidence for another nonce, key or guest is refused") {
  static const Binding elsewhere = kbs::bind_runtime_data(Tee::snp, HashAlgorithm::sha384, "{}");
  for (const Refused& one : std::initializer_list<Refused>{
           {"another session's nonce",
            {.version = ProtocolVersion::v0_2_0, .evidence = snp_evidence, .session = move_nonce},
            "binding.report-data"},
           {"another nonce in message and session",
            {.evidence = snp_evidence,
             .message = [](kbs::Attestation& message) { move_nonce(*message.nonce); },
             .session = move_nonce},
            "binding.report-data"},
           {"another key",
            {.evidence = snp_evidence, .message = [](kbs::Attestation& message) { message.key.x[0] ^= std::byte{1}; }},
            "binding.report-data"},
           {"another algorithm of the key",
            {.evidence = snp_evidence, .message = [](kbs::Attestation& message) { message.key.algorithm = "RSA1_5"; }},
            "binding.report-data"},
           {"another guest's report",
            {.evidence = [](const Binding&) { return snp_evidence(elsewhere); }},
            "binding.report-data"},
           {"a report that was changed afterwards",
            {.evidence = [](const Binding& binding) { return snp_evidence(binding); },
             .received = [](Bundle& bundle) { bundle.snp_report[0x90] ^= std::byte{1}; }},
            "snp.signature"},
           {"a digest that another hash made",
            {.evidence = snp_evidence,
             .context =
                 [](AppraisalContext& context) {
                   std::ranges::rotate(*context.report_data, context.report_data->begin() + 1);
                 }},
            "binding.report-data"},
       }) {
    INFO(one.what);
    const auto served = serve(one.exchange, snp_policy(), now());
    REQUIRE(served);
    INFO(verdict_to_text(served->verdict, false));
    CHECK(served->verdict.outcome == Outcome::refused);
    CHECK(result_of(served->verdict, one.check) == one.result);
    CHECK(answer(served->verdict, Question::hardware) == Answer::no);
    if (std::string_view(one.check) == "binding.report-data") {
      CHECK(result_of(served->verdict, "binding.nonce") == CheckResult::skipped);
    }
  }
}

TEST_CASE("a TD's evidence for another nonce or key is refused") {
  for (const Refused& one : std::initializer_list<Refused>{
           {"another session's nonce",
            {.tee = Tee::tdx, .version = ProtocolVersion::v0_3_0, .evidence = tdx_evidence, .session = move_nonce},
            "binding.report-data"},
           {"another key",
            {.tee = Tee::tdx,
             .evidence = tdx_evidence,
             .message = [](kbs::Attestation& message) { message.key.y[0] ^= std::byte{1}; }},
            "binding.report-data"},
           {"a log that was changed",
            {.tee = Tee::tdx,
             .evidence = tdx_evidence,
             .received = [](Bundle& bundle) { bundle.cc_event_log = EventLogWriter({HashAlgorithm::sha384}).bytes(); }},
            "tdx.rtmrs"},
       }) {
    INFO(one.what);
    const auto served = serve(one.exchange, tdx_policy(), tdx_now());
    REQUIRE(served);
    CHECK(served->verdict.outcome == Outcome::refused);
    CHECK(result_of(served->verdict, one.check) == one.result);
  }
}

TEST_CASE("an Azure VM's evidence for another nonce or by another key is refused") {
  static const SoftwareAk other(SoftwareAk::Kind::rsa);
  const AzureVm& azure = AzureVm::instance();
  const auto plain = [&](const Binding& binding) { return azure.snp(binding, false); };
  const Tee tee = Tee::az_snp_vtpm;
  for (const Refused& one : std::initializer_list<Refused>{
           {"another session's nonce",
            {.tee = tee, .version = ProtocolVersion::v0_2_0, .evidence = plain, .session = move_nonce},
            "tpm.extra-data"},
           {"another key of the guest",
            {.tee = tee,
             .evidence = plain,
             .message = [](kbs::Attestation& message) { message.key.x[0] ^= std::byte{1}; }},
            "binding.report-data"},
           {"a quote by another TPM",
            {.tee = tee,
             .evidence =
                 [&](const Binding& binding) {
                   Bundle out = azure.snp(binding, false);
                   out.tpm = other.quote(binding.qualifying_data, azure.pcrs);
                   return out;
                 }},
            "tpm.signature"},
           {"a quote by another TPM that brings its own key",
            {.tee = tee,
             .evidence =
                 [&](const Binding& binding) {
                   Bundle out = azure.snp(binding, false);
                   out.tpm = other.quote(binding.qualifying_data, azure.pcrs);
                   return out;
                 },
             .received = [&](Bundle& bundle) { bundle.tpm->ak_public = other.public_area(); }},
            "tpm.signature"},
           {"PCRs that were changed",
            {.tee = tee,
             .evidence = plain,
             .received = [](Bundle& bundle) { bundle.tpm->pcrs[HashAlgorithm::sha256][4][0] ^= std::byte{1}; }},
            "tpm.pcrs"},
           {"runtime data of a paravisor's that were changed",
            {.tee = tee,
             .evidence = plain,
             .received = [](Bundle& bundle) { bundle.hcl_report.back() = std::byte{' '}; }},
            "azure.runtime-data"},
       }) {
    INFO(one.what);
    const auto served = serve(one.exchange, azure_policy(), azure_now());
    REQUIRE(served);
    INFO(verdict_to_text(served->verdict, false));
    CHECK(served->verdict.outcome == Outcome::refused);
    CHECK(result_of(served->verdict, one.check) == one.result);
  }
}

TEST_CASE("without the vTPM's quote or what it must carry, an Azure VM's evidence binds nothing") {
  const AzureVm& azure = AzureVm::instance();
  const Exchange plain{.tee = Tee::az_snp_vtpm,
                       .evidence = [&](const Binding& binding) { return azure.snp(binding, false); }};
  Exchange without_quote = plain;
  without_quote.received = [](Bundle& bundle) { bundle.tpm.reset(); };
  Exchange without_expectation = plain;
  without_expectation.context = [](AppraisalContext& context) { context.qualifying_data.clear(); };
  for (const Exchange& exchange : {without_quote, without_expectation}) {
    const auto served = serve(exchange, azure_policy(), azure_now());
    INFO(verdict_to_text(served->verdict, false));
    CHECK(served->verdict.outcome == Outcome::undecided);
    CHECK(result_of(served->verdict, "binding.report-data") == CheckResult::skipped);
    CHECK(result_of(served->verdict, "binding.nonce") == CheckResult::skipped);
    CHECK(answer(served->verdict, Question::hardware) == Answer::unknown);
  }
}

TEST_CASE("evidence of another TEE than the request's is refused") {
  const AzureVm& azure = AzureVm::instance();
  const std::map<Tee, std::function<Bundle(const Binding&)>> attesters{
      {Tee::snp, snp_evidence},
      {Tee::tdx, tdx_evidence},
      {Tee::az_snp_vtpm, [&](const Binding& binding) { return azure.snp(binding, true); }},
  };
  for (const auto& [said, as_said] : attesters) {
    for (const auto& [sent, as_sent] : attesters) {
      if (said == sent) continue;
      CAPTURE(kbs::tee_name(said), kbs::tee_name(sent));
      const std::string other =
          kbs::encode_trustee_evidence(sent, as_sent(kbs::bind_runtime_data(sent, HashAlgorithm::sha384, "{}")))
              .value();
      const auto served = serve({.tee = said,
                                 .evidence = as_said,
                                 .message = [&](kbs::Attestation& message) { message.primary_evidence = other; }},
                                snp_policy(), now());
      CHECK_FALSE(served);
    }
  }
}

TEST_CASE("parts of two TEEs at once are refused") {
  const Exchange both{.evidence = snp_evidence, .received = [](Bundle& bundle) {
                        bundle.td_quote =
                            tdx_evidence(kbs::bind_runtime_data(Tee::tdx, HashAlgorithm::sha384, "{}")).td_quote;
                      }};
  const auto served = serve(both, snp_policy(), tdx_now());
  CHECK(served->verdict.outcome == Outcome::refused);
  CHECK(result_of(served->verdict, "binding.report-data") == CheckResult::fail);
}

TEST_CASE("a statement with evidence that binds runtime data is refused, whatever it says") {
  const Bundle ours = vm().bundle(test_nonce());
  const auto smuggled = serve({.evidence = snp_evidence,
                               .received =
                                   [&](Bundle& bundle) {
                                     bundle.statement = ours.statement;
                                     bundle.inclusion = ours.inclusion;
                                   }},
                              snp_policy(), now());
  REQUIRE(smuggled);
  CHECK(smuggled->verdict.outcome == Outcome::refused);
  CHECK(result_of(smuggled->verdict, "binding.report-data") == CheckResult::fail);
  CHECK_FALSE(smuggled->statement);
  CHECK(smuggled->verdict.claims_json.find("ssh_host_keys") == std::string::npos);
  CHECK(answer(smuggled->verdict, Question::storage) == Answer::unknown);

  // Without a report as well.
  AppraisalContext nothing = now();
  nothing.report_data.emplace();
  Bundle alone;
  alone.statement = ours.statement;
  CHECK(appraise(alone, snp_policy(), nothing).verdict.outcome == Outcome::refused);

  // A whole bundle of ours, whose root the report does carry, judged as runtime data.
  AppraisalContext context = context_for(test_nonce());
  context.report_data = bundle_root(ours).value();
  const Appraisal appraisal = appraise(ours, snp_policy(), context);
  CHECK(appraisal.verdict.outcome == Outcome::refused);
  CHECK_FALSE(appraisal.statement);
}

TEST_CASE("evidence that binds runtime data is refused where a statement is wanted") {
  Bundle bundle;
  const auto served = serve({.evidence = snp_evidence, .received = [&](const Bundle& received) { bundle = received; }},
                            snp_policy(), now());
  REQUIRE(served->verdict.outcome == Outcome::trusted);
  AppraisalContext context = context_for(test_nonce());
  CHECK(appraise(bundle, snp_policy(), context).verdict.outcome == Outcome::refused);
  context.nonce.reset();
  CHECK(appraise(bundle, snp_policy(), context).verdict.outcome == Outcome::refused);
}

TEST_CASE("what only a statement can show fails where there is none") {
  struct Case {
    const char* check;
    std::function<void(AppraisalContext&)> demand;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"binding.purpose", [](AppraisalContext& context) { context.purpose = Purpose::unlock; }},
           {"binding.host-key",
            [](AppraisalContext& context) { context.host_key = parse_ssh_public_key(test_host_key).value(); }},
           {"binding.channel", [](AppraisalContext& context) { context.channel.emplace(); }},
       }) {
    CAPTURE(one.check);
    const auto served = serve({.evidence = snp_evidence, .context = one.demand}, snp_policy(), now());
    CHECK(served->verdict.outcome == Outcome::refused);
    CHECK(result_of(served->verdict, one.check) == CheckResult::fail);
  }
}

TEST_CASE("a TPM beside SNP hardware is nobody's") {
  // No attester sends this; nothing ties such a quote to the report.
  Policy policy = policy_for(vm());
  const auto served = serve({.evidence = snp_evidence,
                             .received = [](Bundle& bundle) { bundle.tpm = vm().ak.quote(Bytes(48), vm().pcrs); },
                             .context = [](AppraisalContext& context) { context.qualifying_data = Bytes(48); }},
                            policy, now());
  REQUIRE(served);
  INFO(verdict_to_text(served->verdict, false));
  CHECK(served->verdict.outcome == Outcome::undecided);
  CHECK(result_of(served->verdict, "tpm.ak") == CheckResult::skipped);
  CHECK(answer(served->verdict, Question::boot_chain) == Answer::unknown);
}

}  // namespace attestd::test
