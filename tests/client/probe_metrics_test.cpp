#include "client/probe_metrics.h"

#include "tests/catch.h"

using namespace attestd;

namespace {

ProbeResult judged(std::string claims) {
  ProbeResult result;
  result.verdict.outcome = Outcome::trusted;
  for (std::size_t i = 0; i < question_count; ++i) result.verdict.answers[static_cast<Question>(i)] = {Answer::yes, {}};
  result.verdict.checks = {{"snp.signature", CheckResult::pass, {}}, {"snp.revocation", CheckResult::skipped, {}}};
  result.verdict.claims_json = std::move(claims);
  result.issued_at = 1000;
  result.at = 1007;
  return result;
}

}  // namespace

TEST_CASE("a verdict, an answer and a check are each one of their states") {
  const std::string page = render_probe(judged("{}"));
  for (const char* const line :
       {"attestd_probe_success 1\n", "attestd_verdict{verdict=\"trusted\"} 1\n",
        "attestd_verdict{verdict=\"refused\"} 0\n", "attestd_answer{question=\"boot_chain\",answer=\"yes\"} 1\n",
        "attestd_answer{question=\"boot_chain\",answer=\"unknown\"} 0\n",
        "attestd_check{check=\"snp.signature\",result=\"pass\"} 1\n",
        "attestd_check{check=\"snp.revocation\",result=\"skipped\"} 1\n",
        "attestd_check{check=\"snp.revocation\",result=\"pass\"} 0\n", "attestd_evidence_age_seconds 7\n"}) {
    CHECK_THAT(page, Catch::Contains(std::string("\n") + line));
  }
}

TEST_CASE("without evidence the verdict is undecided and every answer unknown") {
  ProbeResult result = judged("{}");
  result.failure = Error{Errc::timed_out, "nobody answers", std::nullopt, 0};
  result.verdict = undecided_verdict(*result.failure);
  result.issued_at.reset();
  const std::string page = render_probe(result);
  for (const char* const line :
       {"attestd_probe_success 0\n", "attestd_probe_failure_info{cause=\"timed-out\"} 1\n",
        "attestd_verdict{verdict=\"trusted\"} 0\n", "attestd_verdict{verdict=\"undecided\"} 1\n",
        "attestd_answer{question=\"hardware\",answer=\"unknown\"} 1\n",
        "attestd_answer{question=\"hardware\",answer=\"yes\"} 0\n"}) {
    CHECK_THAT(page, Catch::Contains(std::string("\n") + line));
  }
  CHECK(page.find("\nattestd_evidence_age_seconds ") == std::string::npos);
}

TEST_CASE("claims become labels and numbers, and hostile ones no lines of their own") {
  const std::string page = render_probe(judged(R"({
    "statement": {"boot_id": "b\"} 1\nattestd_verdict{verdict=\"trusted\"} 1", "platform": {"name": "kvm-snp", "kernel": 7},
                  "ssh_host_keys": ["a", "b"]},
    "snp": {"product": "Milan", "measurement": "00ff", "reported_tcb": {"raw": "0x1", "snp": 24},
            "certificate_validity": ["2025-01-01T00:00:00Z", "2044-01-01T00:00:00Z"]},
    "tdx": {"mrtd": "aa", "tcb": {"status": "UpToDate", "collateral_validity": ["x", "y"]}}})"));
  for (
      const char* const line :
      {R"(attestd_evidence_info{platform="kvm-snp",kernel="",agent_version="",product="Milan",boot_id="b\"} 1\nattestd_verdict{verdict=\"trusted\"} 1"} 1)",
       "attestd_measurement_info{hardware=\"snp\",name=\"measurement\",value=\"00ff\"} 1\n",
       "attestd_measurement_info{hardware=\"tdx\",name=\"mrtd\",value=\"aa\"} 1\n", "attestd_ssh_host_keys 2\n",
       "attestd_tcb_version{hardware=\"snp\",tcb=\"reported_tcb\",component=\"snp\"} 24\n",
       "attestd_tcb_status_info{hardware=\"tdx\",status=\"UpToDate\"} 1\n",
       "attestd_evidence_expiry_timestamp_seconds{certificate=\"snp\"} 2335219200\n"}) {
    CHECK_THAT(page, Catch::Contains(std::string("\n") + line));
  }
  CHECK(page.find("component=\"raw\"") == std::string::npos);
  CHECK(page.find("certificate=\"tdx-collateral\"") == std::string::npos);
}
