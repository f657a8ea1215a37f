// Bundles of a TD: what each of the five answers needs.
#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "evidence/ccel.h"
#include "evidence/event_log_writer.h"
#include "sim/signer/tdx_signer.h"
#include "tests/catch.h"
#include "tests/verifier/simulated_vm.h"
#include "verifier/appraise.h"

namespace attestd::test {
namespace {

const sim::TdxSigner& td_signer() {
  static const sim::TdxSigner signer = sim::TdxSigner::mint({}).value();
  return signer;
}

// Indices are registers of the CC event log: 1 to 4 are RTMR 0 to 3.
Bytes cc_log() {
  constexpr std::uint32_t ev_separator = 0x00000004;
  EventLogWriter log({HashAlgorithm::sha384});
  log.measure(2, 0x80000003, as_bytes("the boot loader"));
  log.measure(3, 0x0000000d, as_bytes("the kernel"));
  log.measure(1, ev_separator, Bytes(4, std::byte{0}));
  return log.bytes();
}

struct Td {
  Td() {
    base.statement.platform.name = "kvm-tdx";
    base.statement.ak_name.clear();
    body = td_signer().body(TdBodyType::td_15);
    std::ranges::fill(body.mrtd, std::byte{0x7d});
    body.rtmrs = replay_rtmrs(parse_cc_event_log(log).value());
  }
  struct Hooks {
    std::function<void(TdQuoteBody&)> body{};
    std::function<void(Bundle&)> bundle{};
  };
  [[nodiscard]] Bundle bundle(const Hooks& hooks) const {
    Bundle out = base.bundle(test_nonce());
    TdQuote quote;
    quote.body = body;
    quote.body.report_data = bundle_root(out).value();
    if (hooks.body) hooks.body(quote.body);
    out.td_quote = td_signer().sign_quote(quote).value();
    out.cc_event_log = log;
    out.snp_report.clear();
    out.snp_certificates.clear();
    out.tpm.reset();
    out.firmware_event_log.clear();
    if (hooks.bundle) hooks.bundle(out);
    return out;
  }

  SimulatedVm base;
  Bytes log = cc_log();
  TdQuoteBody body;
};

const Td& td() {
  static const Td one;
  return one;
}

Policy policy() {
  Policy out;
  out.roots.named = {td_signer().root_der()};
  out.tdx.measurements = {{to_bytes(td().body.mrtd), ReferenceOrigin::own_firmware, ""}};
  for (unsigned i = 0; i < 3; ++i) out.tdx.rtmrs[i] = to_bytes(td().body.rtmrs[i]);
  return out;
}

AppraisalContext context() {
  AppraisalContext out = context_for(test_nonce());
  const sim::TdxSigner::Collateral all = td_signer().collateral().value();
  for (const Bytes* const bytes :
       {&all.tcb_info, &all.qe_identity, &all.pck_crl, &all.root_crl, &all.tcb_signing_chain}) {
    REQUIRE(add_tdx_collateral(*bytes, out.tdx_collateral));
  }
  return out;
}

Verdict judge(const Td::Hooks& hooks, const Policy& by = policy(), const AppraisalContext& in = context()) {
  return appraise(td().bundle(hooks), by, in).verdict;
}

bool has_reason(const Verdict& verdict, Question question, std::string_view code) {
  const auto& reasons = verdict.answers.at(question).reasons;
  return std::ranges::find(reasons, code, &Reason::code) != reasons.end();
}
Answer answer(const Verdict& verdict, Question question) { return verdict.answers.at(question).answer; }

}  // namespace

TEST_CASE("a TD is trusted by its quote, its collateral and its registers") {
  const Verdict verdict = judge({});
  INFO(verdict_to_text(verdict, false));
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.simulated);
  for (const auto& [question, said] : verdict.answers) {
    CAPTURE(question_name(question));
    CHECK(said.answer == Answer::yes);
  }
  CHECK(has_reason(verdict, Question::boot_chain, "rtmrs"));
  CHECK(has_reason(verdict, Question::boot_chain, "rtmrs-td"));
  CHECK(verdict.find("snp.signature") == nullptr);
  CHECK(verdict.claims_json.find("\"status\":\"UpToDate\"") != std::string::npos);
}

TEST_CASE("a TD that is not as expected is refused, and the question says why") {
  const struct {
    const char* what;
    Question question;
    const char* code;
    Td::Hooks hooks;
  } cases[] = {
      {"debug", Question::hardware, "tdx.policy", {[](TdQuoteBody& b) { b.td_attributes.raw |= 1; }, {}}},
      {"another statement",
       Question::hardware,
       "binding.report-data",
       {[](TdQuoteBody& b) { b.report_data[0] ^= std::byte{1}; }, {}}},
      {"firmware", Question::initial_state, "tdx.measurement", {[](TdQuoteBody& b) { b.mrtd[0] ^= std::byte{1}; }, {}}},
      {"kernel", Question::boot_chain, "tdx.rtmrs", {[](TdQuoteBody& b) { b.rtmrs[2][0] ^= std::byte{1}; }, {}}},
      {"log", Question::boot_chain, "tdx.rtmrs", {{}, [](Bundle& b) { b.cc_event_log = to_bytes("no log"); }}},
      {"signature", Question::hardware, "tdx.signature", {{}, [](Bundle& b) { b.td_quote[100] ^= std::byte{1}; }}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.what);
    const Verdict verdict = judge(c.hooks);
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == Outcome::refused);
    CHECK(answer(verdict, c.question) == Answer::no);
    CHECK(has_reason(verdict, c.question, c.code));
  }
}

TEST_CASE("without collateral nobody knows the TCB, and a debug TD is refused all the same") {
  const AppraisalContext bare = context_for(test_nonce());
  const Verdict verdict = judge({}, policy(), bare);
  CHECK(verdict.outcome == Outcome::undecided);
  CHECK(answer(verdict, Question::hardware) == Answer::unknown);
  CHECK(answer(verdict, Question::initial_state) == Answer::unknown);
  CHECK(answer(verdict, Question::boot_chain) == Answer::unknown);
  const Verdict debug = judge({[](TdQuoteBody& b) { b.td_attributes.raw |= 1; }, {}}, policy(), bare);
  CHECK(debug.outcome == Outcome::refused);
  Policy accepts_debug = policy();
  accepts_debug.tdx.allow_debug = true;
  const Verdict accepted = judge({[](TdQuoteBody& b) { b.td_attributes.raw |= 1; }, {}}, accepts_debug);
  CHECK(accepted.outcome == Outcome::trusted);
  CHECK(has_reason(accepted, Question::hardware, "debug-allowed"));
}

TEST_CASE("registers without a reference leave the boot chain unknown") {
  Policy by = policy();
  by.tdx.rtmrs.clear();
  const Verdict verdict = judge({}, by);
  CHECK(answer(verdict, Question::boot_chain) == Answer::unknown);
  CHECK(has_reason(verdict, Question::boot_chain, "no-reference"));
  Policy secure = policy();
  secure.secure_boot = true;
  CHECK(has_reason(judge({}, secure), Question::boot_chain, "secure-boot-unknown"));
}

TEST_CASE("a policy made from a TD's bundle accepts that TD and no other") {
  const Bundle bundle = td().bundle({});
  const std::string text = make_policy(bundle, "a test").value();
  INFO(text);
  Policy made = parse_policy(text, "").value();
  made.roots.named = {td_signer().root_der()};
  CHECK(appraise(bundle, made, context()).verdict.outcome == Outcome::trusted);
  CHECK(judge({[](TdQuoteBody& b) { b.xfam ^= 1; }, {}}, made).outcome == Outcome::refused);
  CHECK(judge({[](TdQuoteBody& b) { b.mrtd[0] ^= std::byte{1}; }, {}}, made).outcome == Outcome::refused);
  CHECK(judge({[](TdQuoteBody& b) { b.rtmrs[1][0] ^= std::byte{1}; }, {}}, made).outcome == Outcome::refused);
  CHECK(explain_policy(made).find("MRTD may be " + to_hex(td().body.mrtd)) != std::string::npos);
  CHECK(explain_policy(made).find("RTMR 1 is ") != std::string::npos);
}

TEST_CASE("a section of a policy does not lapse because a TD's bundle leaves its evidence out") {
  const Bundle bundle = td().bundle({});
  const std::string made = make_policy(bundle, "a test").value();
  const struct {
    const char* section;
    Question question;
    const char* code;
  } cases[] = {
      {"[azure]\nvm-ids = [\"00000000-0000-0000-0000-000000000001\"]", Question::hardware, "azure.configuration"},
      {"[azure]\nconsole = false", Question::hardware, "azure.configuration"},
      {"[gcp]\nproject-ids = [\"mine\"]", Question::hardware, "gcp.instance"},
      {"[nitro]\nmodules = [\"i-0-tpm0\"]", Question::hardware, "nitro.module"},
      {"[svsm]\nstates = [\"stateful\"]", Question::boot_chain, "svsm.policy"},
      {"[vtpm.pcrs.sha256]\n0 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
       Question::boot_chain, "no-tpm-quote"},
      {"[vtpm]\nsecure-boot = true", Question::boot_chain, "secure-boot-unknown"},
  };
  for (const auto& c : cases) {
    INFO(c.section);
    auto by = parse_policy(made + "\n" + c.section + "\n", "");
    REQUIRE(by);
    by->roots.named = {td_signer().root_der()};
    const Verdict verdict = appraise(bundle, *by, context()).verdict;
    INFO(verdict_to_text(verdict, false));
    CHECK(verdict.outcome == Outcome::undecided);
    CHECK(answer(verdict, c.question) == Answer::unknown);
    CHECK(has_reason(verdict, c.question, c.code));
  }
}

TEST_CASE("a policy of SEV-SNP alone says nothing of a TD") {
  Policy by = policy();
  by.required = {Question::hardware};
  by.names_snp = true;
  CHECK(judge({}, by).outcome == Outcome::undecided);
  CHECK(has_reason(judge({}, by), Question::hardware, "hardware-not-in-policy"));
  by.names_tdx = true;
  CHECK(judge({}, by).outcome == Outcome::trusted);
}

TEST_CASE("what [tdx] cannot mean is an error") {
  for (const char* const line : {"tcb-status = [\"Revoked\"]", "tcb-status = [\"Good\"]", "xfam = [\"00\"]",
                                 "xfamm = 1", "mrseam = [\"00\"]", "[tdx.rtmrs]\n4 = \"00\"", "debug = 1"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_policy("[policy]\nversion = 1\n[tdx]\n" + std::string(line) + "\n", ""));
  }
}

}  // namespace attestd::test
