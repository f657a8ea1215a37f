#include "keys/intel_keys.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "net/intel_pcs.h"
#include "sim/signer/tdx_signer.h"
#include "tests/catch.h"
#include "tests/net/local_server.h"
#include "tests/temporary_folder.h"
#include "verifier/tdx.h"

namespace attestd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t now = 1764000000;  // 2025-11-24
constexpr std::int64_t day = 86400;

sim::TdxSignerOptions options_until(std::int64_t next_update) {
  sim::TdxSignerOptions options;
  for (auto* const date : {&options.tcb_info.issue_date, &options.qe_identity.issue_date}) *date = now - day;
  for (auto* const date : {&options.tcb_info.next_update, &options.qe_identity.next_update}) *date = next_update;
  return options;
}
const sim::TdxSigner& vendor() {
  static const sim::TdxSigner signer = *sim::TdxSigner::mint(options_until(now + 30 * day));
  return signer;
}
const sim::TdxSigner& stranger() {
  static const sim::TdxSigner signer = *sim::TdxSigner::mint(options_until(now + 30 * day));
  return signer;
}

Bytes quote_of(const sim::TdxSigner& signer) {
  TdQuote quote;
  quote.body = signer.body(TdBodyType::td_15);
  return *signer.sign_quote(quote);
}

std::string percent_encoded(ByteView bytes) {
  std::string out;
  for (const std::byte byte : bytes) out += "%" + to_hex(ByteView(&byte, 1));
  return out;
}

Answer serve(const sim::TdxSigner::Collateral& shelf, const std::string& target) {
  const std::string chain = percent_encoded(shelf.tcb_signing_chain);
  if (target.starts_with("/tdx/certification/v4/tcb?fmspc=")) {
    return answer(200, as_text(shelf.tcb_info), "TCB-Info-Issuer-Chain: " + chain + "\r\n");
  }
  if (target == "/tdx/certification/v4/qe/identity") {
    return answer(200, as_text(shelf.qe_identity), "SGX-Enclave-Identity-Issuer-Chain: " + chain + "\r\n");
  }
  if (target == "/sgx/certification/v4/pckcrl?ca=platform&encoding=der") return answer(200, as_text(shelf.pck_crl));
  if (target == "/root.crl") return answer(200, as_text(shelf.root_crl));
  return answer(404, "");
}

struct Run {
  Run(const std::string& folder, const std::string& url, std::int64_t at = now)
      : cache(*KeyCache::open_for_writing(folder)) {
    KeyServiceOptions options;
    options.timeout = 30s;
    options.sleep = [](std::chrono::milliseconds) {};
    service.emplace(cache, options);
    TrustRoots roots;
    roots.named = {vendor().root_der()};
    keys.emplace(cache, *service, roots, IntelUrls{url, url + "/root.crl"}, at);
  }
  KeyCache cache;
  std::optional<KeyService> service;
  std::optional<IntelKeys> keys;
};

std::vector<KeyOutcome::Kind> kinds(const Result<std::vector<KeyOutcome>>& outcomes) {
  REQUIRE(outcomes);
  std::vector<KeyOutcome::Kind> out;
  for (const KeyOutcome& outcome : *outcomes) {
    UNSCOPED_INFO(outcome.name << ": " << outcome.detail);
    out.push_back(outcome.kind);
  }
  return out;
}
const std::vector all_fetched(4, KeyOutcome::Kind::fetched);
const std::vector all_cached(4, KeyOutcome::Kind::cached);
const std::vector all_primed(4, KeyOutcome::Kind::primed);

TEST_CASE("percent-encoding is undone, and nothing that is none") {
  CHECK(percent_decoded("a%20b%0A").value() == "a b\n");
  for (const std::string_view bad : {"%", "%2", "%zz", "a%2"}) CHECK_FALSE(percent_decoded(bad));
}

TEST_CASE("Intel's collateral that was fetched once verifies a quote offline") {
  const TemporaryFolder folder;
  const Bytes quote = quote_of(vendor());
  const auto shelf = vendor().collateral();
  REQUIRE(shelf);
  std::string url;
  {
    const LocalServer server([&](const SeenRequest& request) { return serve(*shelf, request.target); });
    url = server.url();
    Run first(folder.path(), url);
    CHECK(kinds(first.keys->provide_for(quote)) == all_fetched);
  }
  Run second(folder.path(), url);
  CHECK(kinds(second.keys->provide_for(quote)) == all_cached);
  TrustRoots roots;
  roots.named = {vendor().root_der()};
  const TdxCollateral cached = cached_tdx_collateral(folder.path(), quote);
  const TdxVerification verification = verify_tdx(quote, cached, roots, now);
  for (const Check& check : verification.checks) {
    INFO(check.id << ": " << check.detail);
    CHECK(check.result == CheckResult::pass);
  }
}

TEST_CASE("Intel's collateral can be primed from files, and is judged by the quote's platform") {
  const Bytes quote = quote_of(vendor());
  const TemporaryFolder files;
  REQUIRE(vendor().write_collateral(files.path()));
  const auto collateral = load_tdx_collateral(files.path());
  REQUIRE(collateral);
  const TemporaryFolder folder;
  {
    Run run(folder.path(), "http://127.0.0.1:1");
    run.keys->offer(*collateral);
    CHECK(kinds(run.keys->provide_for(quote)) == all_primed);
  }
  Run again(folder.path(), "http://127.0.0.1:1");
  CHECK(kinds(again.keys->provide_for(quote)) == all_cached);
}

TEST_CASE("collateral of another root, expired, garbled or in another's place is not kept") {
  const Bytes quote = quote_of(vendor());
  const auto good = vendor().collateral();
  const auto foreign = stranger().collateral();
  const auto old = vendor().reissue(options_until(now - 1))->collateral();
  REQUIRE(good);
  REQUIRE(foreign);
  REQUIRE(old);
  Bytes garbled = good->tcb_info;
  const std::string_view text = as_text(garbled);
  const auto level = text.find("UpToDate");
  REQUIRE(level != std::string_view::npos);
  garbled[level] = std::byte{'V'};
  struct Case {
    std::string name, end;
    Bytes body;
  };
  for (const Case& bad : std::vector<Case>{
           {"TCB info of another root", "/tcb?", foreign->tcb_info},
           {"TCB info, expired", "/tcb?", old->tcb_info},
           {"TCB info, a letter changed", "/tcb?", garbled},
           {"TCB info, truncated", "/tcb?", to_bytes(ByteView(good->tcb_info).first(100))},
           {"a QE identity in TCB info's place", "/tcb?", good->qe_identity},
           {"QE identity of another root", "/qe/identity", foreign->qe_identity},
           {"QE identity, expired", "/qe/identity", old->qe_identity},
           {"QE identity: garbage", "/qe/identity", to_bytes("garbage")},
           {"PCK list of another root", "/pckcrl", foreign->pck_crl},
           {"the root's list in the PCK CA's place", "/pckcrl", good->root_crl},
           {"root list of another root", "/root.crl", foreign->root_crl},
           {"root list, truncated", "/root.crl", to_bytes(ByteView(good->root_crl).first(good->root_crl.size() - 1))},
       }) {
    INFO(bad.name);
    const TemporaryFolder folder;
    const LocalServer server([&](const SeenRequest& request) {
      if (request.target.find(bad.end) == std::string::npos) return serve(*good, request.target);
      return answer(200, as_text(bad.body),
                    "TCB-Info-Issuer-Chain: " + percent_encoded(good->tcb_signing_chain) + "\r\n");
    });
    Run run(folder.path(), server.url());
    const auto outcomes = run.keys->provide_for(quote);
    REQUIRE(outcomes);
    CHECK(std::ranges::count(*outcomes, KeyOutcome::Kind::failed, &KeyOutcome::kind) == 1);
    CHECK(std::ranges::count(*outcomes, KeyOutcome::Kind::fetched, &KeyOutcome::kind) == 3);
    for (const KeyOutcome& outcome : *outcomes) {
      CHECK(run.cache.read(outcome.name).has_value() == (outcome.kind == KeyOutcome::Kind::fetched));
    }
  }
}

TEST_CASE("a quote without a PCK chain says nothing about whom to ask") {
  const TemporaryFolder folder;
  Run run(folder.path(), "http://127.0.0.1:1");
  CHECK_FALSE(run.keys->provide_for(as_bytes("no quote")));
  CHECK(cached_tdx_collateral(folder.path(), as_bytes("no quote")).empty());
}

}  // namespace
}  // namespace attestd::test
