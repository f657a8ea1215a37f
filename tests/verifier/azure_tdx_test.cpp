// `attestctl verify azure` on TDX: the quote is Intel's to vouch for, the hash in it ours.
#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/appraise.h"

using namespace attestd;

namespace {

CheckResult result_of(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  REQUIRE(check != nullptr);
  return check->result;
}

}  // namespace

TEST_CASE("a genuine Azure TDX report goes with its TD quote, and with no other") {
  const auto hcl = test::vector_file("azure/tdx/hcl-report.bin");
  if (!hcl) return;
  const Bytes quote = *test::vector_file("azure/tdx/td-quote.bin");
  const std::int64_t at = *from_rfc3339("2024-06-01T00:00:00Z");
  AzureEvidence evidence;
  evidence.hcl_report = *hcl;
  evidence.td_quote = quote;
  const Verdict verdict = appraise_azure(evidence, {}, at);
  INFO(verdict_to_text(verdict, false));
  CHECK(result_of(verdict, "tdx.signature") == CheckResult::pass);
  CHECK(result_of(verdict, "tdx.qe") == CheckResult::pass);
  CHECK(result_of(verdict, "tdx.chain") == CheckResult::pass);
  CHECK(result_of(verdict, "azure.runtime-data") == CheckResult::pass);
  CHECK_FALSE(verdict.simulated);

  const Bytes other = *test::vector_file("tdx/v4-spr/quote.bin");
  evidence.td_quote = other;
  CHECK(result_of(appraise_azure(evidence, {}, at), "azure.runtime-data") == CheckResult::fail);
  evidence.td_quote = {};
  const Verdict none = appraise_azure(evidence, {}, at);
  CHECK(result_of(none, "azure.runtime-data") == CheckResult::skipped);
  CHECK(none.outcome == Outcome::undecided);
}
