// Genuine evidence that Trustee publishes for its own tests, before our verifier.
#include "tests/kbs/trustee_files.h"

#include <algorithm>

#include "base/encoding.h"
#include "kbs/trustee_evidence.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/appraise.h"

namespace attestd::test {
namespace {

constexpr std::int64_t october_2025 = 1759276800;

// AMD's intermediates and roots, which Trustee has built in.
SnpEndorsements amd() {
  SnpEndorsements out;
  for (const char* const path : {"snp/amd-chains/milan-vcek.pem", "snp/amd-chains/genoa-vcek.pem"}) {
    if (const auto pem = vector_file(path)) REQUIRE(add_snp_certificates(*pem, out));
  }
  return out;
}

AppraisalContext context_for(const Bytes& carried) {
  AppraisalContext out;
  out.at = october_2025;
  out.extra_endorsements = amd();
  out.report_data.emplace();
  std::ranges::copy(carried, out.report_data->begin());
  out.qualifying_data = carried;
  return out;
}

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  INFO(check->detail);
  return check->result;
}

Verdict judge(kbs::Tee tee, const std::string& json, const AppraisalContext& context) {
  const auto evidence = kbs::parse_trustee_evidence(tee, json);
  if (!evidence) INFO(evidence.error().text());
  REQUIRE(evidence);
  Policy policy;
  policy.required = {Question::hardware};
  return appraise(evidence->bundle, policy, context).verdict;
}

void passes(const Verdict& verdict, std::initializer_list<const char*> checks) {
  INFO(verdict_to_text(verdict, false));
  for (const char* const id : checks) {
    CAPTURE(id);
    CHECK(result_of(verdict, id) == CheckResult::pass);
  }
}

}  // namespace

TEST_CASE("Trustee's Azure SNP evidence of every version is genuine, fresh and bound") {
  struct Case {
    const char* path;
    Bytes carried;
    unsigned version;
  };
  const std::string folder = "deps/verifier/test_data/az-snp-vtpm/";
  for (const Case& one : {
           Case{"evidence-v0.json", to_bytes("challenge"), 0},
           {"evidence-v1.json", to_bytes("challenge"), 1},
           {"evidence-v2.json",
            from_hex("982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f819ef")
                .value(),
            2},
           {"evidence-genoa.json",
            from_hex("0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938ca05475f8b46094de6b64270ea35d950f")
                .value(),
            0},
       }) {
    CAPTURE(one.path);
    const auto json = trustee_file(folder + one.path);
    if (!json) return;
    CHECK(kbs::parse_trustee_evidence(kbs::Tee::az_snp_vtpm, *json)->version == one.version);
    const Verdict verdict = judge(kbs::Tee::az_snp_vtpm, *json, context_for(one.carried));
    passes(verdict, {"binding.report-data", "binding.nonce", "snp.signature", "snp.chain", "snp.tcb-binding",
                     "azure.runtime-data", "azure.ak", "tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs"});
    CHECK(verdict.outcome == Outcome::trusted);
    const auto& reasons = verdict.answers.at(Question::hardware).reasons;
    CHECK((std::ranges::find(reasons, "fresh-by-hardware", &Reason::code) != reasons.end()) == (one.version == 2));
    Bytes other = one.carried;
    other[0] ^= std::byte{1};
    const Verdict stale = judge(kbs::Tee::az_snp_vtpm, *json, context_for(other));
    CHECK(stale.outcome == Outcome::refused);
    CHECK(result_of(stale, "tpm.extra-data") == CheckResult::fail);
  }
}

TEST_CASE("Trustee's Azure TDX evidence is signed and bound") {
  for (const char* const path : {"deps/verifier/test_data/az-tdx-vtpm/evidence-v0.json",
                                 "deps/verifier/test_data/az-tdx-vtpm/evidence-v1.json"}) {
    CAPTURE(path);
    const auto json = trustee_file(path);
    if (!json) return;
    passes(judge(kbs::Tee::az_tdx_vtpm, *json, context_for(to_bytes("challenge"))),
           {"binding.report-data", "binding.nonce", "tdx.signature", "azure.runtime-data", "azure.ak", "tpm.signature",
            "tpm.extra-data", "tpm.pcrs"});
  }
}

TEST_CASE("Trustee's TPM evidence is a quote by its key, and of no hardware") {
  const auto json = trustee_file("deps/verifier/test_data/tpm_evidence.json");
  if (!json) return;
  const auto evidence = kbs::parse_trustee_evidence(kbs::Tee::tpm, *json);
  REQUIRE(evidence);
  const Verdict verdict = judge(kbs::Tee::tpm, *json, context_for(to_bytes("other")));
  passes(verdict, {"tpm.signature", "tpm.pcrs"});
  CHECK(result_of(verdict, "tpm.ak") == CheckResult::skipped);
  CHECK(result_of(verdict, "tpm.extra-data") == CheckResult::fail);
  CHECK(verdict.answers.at(Question::hardware).answer == Answer::unknown);
}

TEST_CASE("Trustee's SNP evidence as sev 6 wrote it is signed, and comes back member by member") {
  const auto json = trustee_file("attestation-service/tests/e2e/evidence.json");
  if (!json) return;
  const auto evidence = kbs::parse_trustee_evidence(kbs::Tee::snp, *json);
  REQUIRE(evidence);
  const auto report = parse_snp_report(evidence->bundle.snp_report);
  REQUIRE(report);
  AppraisalContext context = context_for(to_bytes(report->report_data));
  passes(judge(kbs::Tee::snp, *json, context),
         {"binding.report-data", "binding.nonce", "snp.signature", "snp.chain", "snp.tcb-binding"});
  std::string again = kbs::encode_trustee_evidence(kbs::Tee::snp, evidence->bundle).value();
  // That sev was older than the mitigation vectors.
  const std::string vectors = R"("launch_mit_vector":null,"current_mit_vector":null,)";
  again.erase(again.find(vectors), vectors.size());
  std::string original = *json;
  original.erase(original.find_last_not_of('\n') + 1);
  CHECK(again == original);
}

TEST_CASE("Trustee's reports, quotes and logs come back through JSON") {
  const std::string folder = "deps/verifier/test_data/";
  for (const char* const name : {"snp/test-report.bin", "snp/test-vlek-report.bin"}) {
    CAPTURE(name);
    const auto report = trustee_file(folder + name);
    if (!report) return;
    for (const auto serialization : {kbs::SnpSerialization::in_memory, kbs::SnpSerialization::decoded}) {
      Bundle bundle;
      bundle.snp_report = to_bytes(*report);
      const auto text = kbs::encode_trustee_evidence(kbs::Tee::snp, bundle, serialization);
      REQUIRE(text);
      CHECK(kbs::parse_trustee_evidence(kbs::Tee::snp, *text)->bundle.snp_report == bundle.snp_report);
    }
  }
  for (const char* const name : {"tdx_quote_4.dat", "tdx_quote_5.dat"}) {
    CAPTURE(name);
    Bundle bundle;
    bundle.td_quote = to_bytes(*trustee_file(folder + name));
    bundle.cc_event_log = to_bytes(*trustee_file(folder + "CCEL_data"));
    const auto text = kbs::encode_trustee_evidence(kbs::Tee::tdx, bundle);
    REQUIRE(text);
    const auto read = kbs::parse_trustee_evidence(kbs::Tee::tdx, *text);
    REQUIRE(read);
    CHECK(read->bundle.td_quote == bundle.td_quote);
    CHECK(read->bundle.cc_event_log.size() < bundle.cc_event_log.size());
  }
}

}  // namespace attestd::test
