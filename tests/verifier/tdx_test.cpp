// Genuine quotes of Intel platforms.
#include "verifier/tdx.h"

#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/tdx_policy.h"

using namespace attestd;

namespace {

// Inside the validity of all that tdx/v4-spr has.
const std::int64_t in_validity = *from_rfc3339("2023-07-01T00:00:00Z");

struct Evidence {
  Bytes quote;
  TdxCollateral collateral;
};

std::optional<Evidence> sapphire_rapids() {
  Evidence out;
  for (const char* const name : {"tcbinfo.json", "qeidentity.json", "pckcrl.der", "rootcrl.der"}) {
    const auto bytes = test::vector_file("tdx/v4-spr/" + std::string(name));
    if (!bytes) return std::nullopt;
    REQUIRE(add_tdx_collateral(*bytes, out.collateral));
  }
  out.quote = test::vector_file("tdx/v4-spr/quote.bin").value();
  return out;
}

const Check& find(const std::vector<Check>& checks, std::string_view id) {
  for (const Check& check : checks) {
    if (check.id == id) return check;
  }
  FAIL("there is no check " << id);
  return checks.front();
}

void show(const TdxVerification& verification) {
  for (const Check& check : verification.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
}

bool mentions(const Check& check, std::string_view text) { return check.detail.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("a genuine quote with the collateral of its time is good, and its TCB judged") {
  const auto evidence = sapphire_rapids();
  if (!evidence) return;
  const TdxVerification result = verify_tdx(evidence->quote, evidence->collateral, {}, in_validity);
  show(result);
  CHECK(result.good());
  CHECK_FALSE(result.simulated);
  CHECK(result.root_name == "Intel SGX Root CA");
  CHECK(result.issuer == "Intel SGX PCK Platform CA");
  for (const Check& check : result.checks) CHECK(check.result == CheckResult::pass);
  REQUIRE(result.pck);
  CHECK(to_hex(result.pck->fmspc) == "50806f000000");
  // An early machine: its SGX TCB components 0 and 1 are 3, the lowest level has 5.
  CHECK_FALSE(result.tcb);
  CHECK(result.tcb_problem.find("no TCB level is for this platform: SGX TCB components 0303") != std::string::npos);
  CHECK(find(check_tdx_policy(result, {}, {}), "tdx.tcb").result == CheckResult::fail);
}

TEST_CASE("genuine collateral outside its validity fails, and the cause is named") {
  const auto evidence = sapphire_rapids();
  if (!evidence) return;
  const struct {
    const char* at;
    const char* check;
    const char* cause;
  } cases[] = {
      {"2023-06-18T08:42:57Z", "tdx.tcb-info", "TCB info is not yet valid"},
      {"2023-07-18T08:42:59Z", "tdx.tcb-info", "TCB info has expired"},
      {"2023-07-08T07:25:00Z", "tdx.qe-identity", "QE identity has expired"},
      {"2023-06-08T07:24:58Z", "tdx.qe-identity", "QE identity is not yet valid"},
      {"2023-07-08T07:27:53Z", "tdx.revocation", "'Intel SGX PCK Platform CA' has expired on 2023-07-08T07:27:52Z"},
      {"2024-04-02T10:22:52Z", "tdx.revocation", "has expired"},
      {"2022-09-20T13:20:30Z", "tdx.chain", "'Intel SGX PCK Certificate' is not yet valid"},
      {"2029-09-20T13:20:32Z", "tdx.chain", "'Intel SGX PCK Certificate' has expired"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.at, c.check);
    const TdxVerification result = verify_tdx(evidence->quote, evidence->collateral, {}, *from_rfc3339(c.at));
    show(result);
    CHECK_FALSE(result.good());
    CHECK(find(result.checks, c.check).result == CheckResult::fail);
    CHECK(mentions(find(result.checks, c.check), c.cause));
    CHECK(find(result.checks, "tdx.signature").result == CheckResult::pass);
    CHECK(find(result.checks, "tdx.qe").result == CheckResult::pass);
  }
}

TEST_CASE("a genuine quote without collateral has a good signature, QE and chain, and no TCB") {
  for (const char* const path : {"tdx/v5/quote.bin", "tdx/ccel-cos113/quote.bin", "azure/tdx/td-quote.bin"}) {
    const auto quote = test::vector_file(path);
    if (!quote) return;
    CAPTURE(path);
    const TdxVerification result = verify_tdx(*quote, {}, {}, *from_rfc3339("2025-06-01T00:00:00Z"));
    show(result);
    CHECK(result.good());
    CHECK_FALSE(result.tcb);
    for (const char* const id : {"tdx.signature", "tdx.qe", "tdx.chain"}) {
      CHECK(find(result.checks, id).result == CheckResult::pass);
    }
    for (const char* const id : {"tdx.revocation", "tdx.qe-identity", "tdx.tcb-info"}) {
      CHECK(find(result.checks, id).result == CheckResult::skipped);
    }
    const TdxVerification late = verify_tdx(*quote, {}, {}, *from_rfc3339("2035-01-01T00:00:00Z"));
    CHECK_FALSE(late.good());
    CHECK(mentions(find(late.checks, "tdx.chain"), "has expired"));
  }
}

TEST_CASE("collateral of another platform is refused") {
  const auto evidence = sapphire_rapids();
  const auto other = test::vector_file("tdx/v5/quote.bin");
  if (!evidence || !other) return;
  const TdxVerification result = verify_tdx(*other, evidence->collateral, {}, in_validity);
  show(result);
  CHECK(find(result.checks, "tdx.tcb-info").result == CheckResult::fail);
  CHECK(mentions(find(result.checks, "tdx.tcb-info"), "FMSPC"));
  CHECK_FALSE(result.good());
}

TEST_CASE("a bit flipped in any byte of a genuine quote's signed parts fails") {
  const auto evidence = sapphire_rapids();
  if (!evidence) return;
  const TdQuote quote = parse_td_quote(evidence->quote).value();
  // Up to the QE's certification data: header, body, signature, key, QE report with
  // its signature and authentication data. The sizes between them are among these.
  const std::string_view text = as_text(evidence->quote);
  const std::size_t end = text.find("-----BEGIN CERTIFICATE-----");
  REQUIRE(end > td_quote_signed_size(quote) + 128 + 384 + 64);
  for (std::size_t at = 0; at < end; ++at) {
    Bytes changed = evidence->quote;
    changed[at] ^= std::byte{static_cast<unsigned char>(1U << (at % 8))};
    if (verify_tdx(changed, evidence->collateral, {}, in_validity).good())
      FAIL_CHECK("byte " << at << " does not matter");
  }
}

TEST_CASE("a bit flipped in any byte of genuine collateral fails") {
  const auto evidence = sapphire_rapids();
  if (!evidence) return;
  const auto try_all = [&](std::vector<Bytes> TdxCollateral::* member, std::size_t index) {
    for (std::size_t at = 0; at < (evidence->collateral.*member)[index].size(); ++at) {
      TdxCollateral changed = evidence->collateral;
      Bytes& document = (changed.*member)[index];
      // White space around the documents means nothing, and is not signed.
      if (document[at] == std::byte{'\n'}) continue;
      document[at] ^= std::byte{static_cast<unsigned char>(1U << (at % 8))};
      if (verify_tdx(evidence->quote, changed, {}, in_validity).good()) FAIL_CHECK("byte " << at << " does not matter");
    }
  };
  try_all(&TdxCollateral::tcb_infos, 0);
  try_all(&TdxCollateral::qe_identities, 0);
  try_all(&TdxCollateral::crls, 0);
  try_all(&TdxCollateral::crls, 1);
}
