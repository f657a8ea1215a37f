// Quotes and collateral of our own signer: what Intel would never sign, and what
// none of our genuine evidence shows.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "base/encoding.h"
#include "sim/signer/tdx_signer.h"
#include "tests/catch.h"
#include "verifier/policy.h"
#include "verifier/tdx.h"

using namespace attestd;
using sim::TdxSigner;
using sim::TdxSignerOptions;

namespace {

const std::int64_t now = *from_rfc3339("2026-11-24T00:00:00Z");
constexpr std::int64_t day = 86400;

const TdxSigner& keys() {
  static const TdxSigner signer = *TdxSigner::mint({});
  return signer;
}

TdxCollateral collateral_of(const TdxSigner& signer) {
  const TdxSigner::Collateral all = *signer.collateral();
  TdxCollateral out;
  for (const Bytes* const bytes :
       {&all.tcb_info, &all.qe_identity, &all.pck_crl, &all.root_crl, &all.tcb_signing_chain, &all.pck_crl_chain}) {
    REQUIRE(add_tdx_collateral(*bytes, out));
  }
  return out;
}

Bytes quote_of(const TdxSigner& signer, TdBodyType type = TdBodyType::td_15) {
  TdQuote quote;
  quote.body = signer.body(type);
  return *signer.sign_quote(quote);
}

TdxVerification verify(const TdxSigner& signer, ByteView quote, const TdxCollateral& collateral) {
  TdxVerification out = verify_tdx(quote, collateral, {{signer.root_der()}}, now);
  for (const Check& check : out.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  return out;
}
TdxVerification verify(const TdxSignerOptions& options) {
  const TdxSigner signer = *keys().reissue(options);
  return verify(signer, quote_of(signer), collateral_of(signer));
}

const Check& find(const std::vector<Check>& checks, std::string_view id) {
  for (const Check& check : checks) {
    if (check.id == id) return check;
  }
  FAIL("there is no check " << id);
  return checks.front();
}

void check_refused(const TdxVerification& verification, std::string_view id, std::string_view reason) {
  CHECK(verification.checks.size() == 6);
  CHECK_FALSE(verification.good());
  CHECK(find(verification.checks, id).result == CheckResult::fail);
  CHECK(find(verification.checks, id).detail.find(reason) != std::string::npos);
}

TdxSignerOptions with(const std::function<void(TdxSignerOptions&)>& change) {
  TdxSignerOptions out;
  change(out);
  return out;
}

std::string status_of(const TdxVerification& verification) {
  return verification.tcb ? std::string(tcb_status_name(verification.tcb->status)) : "none";
}

}  // namespace

TEST_CASE("simulated quotes of both bodies are good under a named root, and said to be simulated") {
  const TdxSigner& signer = keys();
  const TdxCollateral collateral = collateral_of(signer);
  for (const TdBodyType type : {TdBodyType::td_10, TdBodyType::td_15}) {
    for (const std::uint16_t version : {std::uint16_t{4}, std::uint16_t{5}}) {
      if (version == 4 && type == TdBodyType::td_15) continue;
      TdQuote quote;
      quote.version = version;
      quote.body = signer.body(type);
      const TdxVerification result = verify(signer, *signer.sign_quote(quote), collateral);
      CHECK(result.good());
      CHECK(result.simulated);
      CHECK(result.root_name == "SIMULATED Intel SGX Root CA");
      CHECK(status_of(result) == "UpToDate");
      for (const Check& check : result.checks) CHECK(check.result == CheckResult::pass);
    }
  }
  const TdxVerification unnamed = verify_tdx(quote_of(signer), collateral, {}, now);
  check_refused(unnamed, "tdx.chain", "neither Intel's nor one that you named");
  CHECK_FALSE(unnamed.tcb);
}

TEST_CASE("chains, keys and collateral with a defect are refused") {
  using Defects = TdxSignerOptions::Defects;
  const struct {
    const char* check;
    const char* reason;
    std::function<void(Defects&)> defect;
  } cases[] = {
      {"tdx.chain", "is no CA", [](Defects& d) { d.intermediate_is_no_ca = true; }},
      {"tdx.chain", "not signed by ECDSA with SHA-256", [](Defects& d) { d.sha384 = true; }},
      {"tdx.chain", "has no SGX extension", [](Defects& d) { d.no_extension = true; }},
      {"tdx.chain", "is a CA", [](Defects& d) { d.leaf_is_ca = true; }},
      {"tdx.chain", "not signed by the certificate of its issuer", [](Defects& d) { d.leaf_signed_by_root = true; }},
      {"tdx.chain", "does not issue PCK", [](Defects& d) { d.issuer_name = "SIMULATED Another CA"; }},
      {"tdx.qe", "vouches for", [](Defects& d) { d.unbound_key = true; }},
      {"tdx.qe", "not signed by the key of a PCK", [](Defects& d) { d.other_key_signs_qe = true; }},
      {"tdx.signature", "not signed by the attestation key", [](Defects& d) { d.other_key_signs_quote = true; }},
      {"tdx.tcb-info", "not Intel's TCB signing key's", [](Defects& d) { d.pck_signs_collateral = true; }},
      {"tdx.qe-identity", "not Intel's TCB signing key's", [](Defects& d) { d.pck_signs_collateral = true; }},
      {"tdx.tcb-info", "there is no certificate", [](Defects& d) { d.tcb_signing_name = "SIMULATED Somebody"; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.check, c.reason);
    check_refused(verify(with([&](TdxSignerOptions& o) { c.defect(o.defects); })), c.check, c.reason);
  }
}

TEST_CASE("a TCB level is chosen as Intel's service documents it") {
  const auto level = [](TdxSignerOptions& options, std::size_t index) -> TcbLevel& {
    auto& levels = options.tcb_info.levels;
    while (levels.size() <= index) levels.push_back(levels.back());
    return levels[index];
  };
  const struct {
    const char* what;
    const char* status;  // "none": no level
    std::function<void(TdxSignerOptions&)> change;
  } cases[] = {
      {"an SGX component below the first level", "OutOfDate",
       [&](TdxSignerOptions& o) {
         level(o, 1).verdict.status = TcbStatus::out_of_date;
         level(o, 0).sgx_components[15] = 1;
       }},
      {"PCESVN below it", "OutOfDate",
       [&](TdxSignerOptions& o) {
         level(o, 1).verdict.status = TcbStatus::out_of_date;
         level(o, 0).pcesvn = 14;
       }},
      {"a TDX component below it", "OutOfDate",
       [&](TdxSignerOptions& o) {
         level(o, 1).verdict.status = TcbStatus::out_of_date;
         level(o, 0).tdx_components[2] = 8;
       }},
      {"module components count not at version 1", "UpToDate",
       [&](TdxSignerOptions& o) {
         level(o, 0).tdx_components[0] = 200;
         level(o, 0).tdx_components[1] = 200;
       }},
      {"below every level", "none", [&](TdxSignerOptions& o) { level(o, 0).pcesvn = 14; }},
      {"the first level that fits counts, not the best", "ConfigurationNeeded",
       [&](TdxSignerOptions& o) {
         level(o, 1);
         level(o, 0).verdict.status = TcbStatus::configuration_needed;
       }},
      {"an old module makes the platform old", "OutOfDate",
       [&](TdxSignerOptions& o) { o.tcb_info.module_identities[0].levels[0].verdict.status = TcbStatus::out_of_date; }},
      {"and keeps what else it needs", "OutOfDateConfigurationNeeded",
       [&](TdxSignerOptions& o) {
         level(o, 0).verdict.status = TcbStatus::configuration_and_sw_hardening_needed;
         o.tcb_info.module_identities[0].levels[0].verdict.status = TcbStatus::out_of_date;
       }},
      {"a revoked module revokes", "Revoked",
       [&](TdxSignerOptions& o) { o.tcb_info.module_identities[0].levels[0].verdict.status = TcbStatus::revoked; }},
      {"an old QE makes the platform old", "OutOfDate",
       [&](TdxSignerOptions& o) {
         level(o, 0).verdict.status = TcbStatus::sw_hardening_needed;
         o.qe_identity.levels[0].verdict.status = TcbStatus::out_of_date;
       }},
      {"a revoked QE revokes", "Revoked",
       [&](TdxSignerOptions& o) { o.qe_identity.levels[0].verdict.status = TcbStatus::revoked; }},
      {"the QE's level is the highest that it reaches", "UpToDate",
       [&](TdxSignerOptions& o) {
         const std::int64_t date = o.qe_identity.issue_date;
         o.qe_identity.levels = {{2, {TcbStatus::out_of_date, date, {}}},
                                 {4, {TcbStatus::up_to_date, date, {}}},
                                 {5, {TcbStatus::revoked, date, {}}}};
       }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.what);
    const TdxVerification result = verify(with(c.change));
    CHECK(status_of(result) == c.status);
    CHECK(result.good());
    CHECK(result.tcb_problem.empty() == (std::string_view(c.status) != "none"));
  }
}

TEST_CASE("modules of version 0 are judged by the TCB info itself, others by their identity") {
  TdxSignerOptions options;
  options.tcb_info.levels[0].tdx_components = {5, 0, 7};
  const TdxSigner signer = *keys().reissue(options);
  const TdxCollateral collateral = collateral_of(signer);
  const auto verify_body = [&](const std::function<void(TdQuoteBody&)>& change) {
    TdQuote quote;
    quote.body = signer.body(TdBodyType::td_10);
    change(quote.body);
    return verify(signer, *signer.sign_quote(quote), collateral);
  };
  CHECK(status_of(verify_body([](TdQuoteBody& b) { b.tee_tcb_svn[1] = std::byte{0}; })) == "UpToDate");
  const auto check_no_level = [](const TdxVerification& result, std::string_view reason) {
    CHECK_FALSE(result.tcb);
    CHECK(result.tcb_problem.find(reason) != std::string::npos);
    CHECK(find(check_tdx_policy(result, {}, {}), "tdx.tcb").result == CheckResult::fail);
  };
  check_no_level(verify_body([](TdQuoteBody& b) {
                   b.tee_tcb_svn[1] = std::byte{0};
                   b.tee_tcb_svn[0] = std::byte{4};
                 }),
                 "no TCB level is for this platform");
  check_refused(verify_body([](TdQuoteBody& b) { b.tee_tcb_svn[1] = std::byte{2}; }), "tdx.tcb-info",
                "no module identity TDX_02");
  check_no_level(verify_body([](TdQuoteBody& b) { b.tee_tcb_svn[0] = std::byte{3}; }), "no TCB level of module TDX_01");
  check_refused(verify_body([](TdQuoteBody& b) { b.mrsignerseam[0] = std::byte{1}; }), "tdx.tcb-info", "MRSIGNERSEAM");
  check_refused(verify_body([](TdQuoteBody& b) { b.seam_attributes = 1; }), "tdx.tcb-info", "SEAMATTRIBUTES");
}

TEST_CASE("a module updated under a running TD does not make its launch better, and the verdict says so") {
  TdxSignerOptions options;
  const std::int64_t date = options.tcb_info.issue_date;
  options.tcb_info.module_identities[0].levels = {{6, {TcbStatus::up_to_date, date, {}}},
                                                  {4, {TcbStatus::out_of_date, date, {}}}};
  const TdxSigner signer = *keys().reissue(options);
  TdQuote quote;
  quote.body = signer.body(TdBodyType::td_15);
  quote.body.tee_tcb_svn_2[0] = std::byte{6};
  const TdxVerification result = verify(signer, *signer.sign_quote(quote), collateral_of(signer));
  CHECK(status_of(result) == "OutOfDate");
  CHECK(result.tcb->after_relaunch == TcbStatus::up_to_date);
  CHECK(find(check_tdx_policy(result, {}, {}), "tdx.tcb").detail.find("relaunched") != std::string::npos);
}

TEST_CASE("a quoting enclave that is not Intel's is refused") {
  const struct {
    const char* reason;
    std::function<void(SgxReportBody&)> change;
  } cases[] = {
      {"MRSIGNER", [](SgxReportBody& r) { r.mrsigner[31] ^= std::byte{1}; }},
      {"ISVPRODID", [](SgxReportBody& r) { r.isvprodid = 1; }},
      {"MISCSELECT", [](SgxReportBody& r) { r.miscselect = 1; }},
      {"ATTRIBUTES", [](SgxReportBody& r) { r.attributes[0] |= std::byte{2}; }},  // DEBUG
      {"ISVSVN", [](SgxReportBody& r) { r.isvsvn = 3; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.reason);
    check_refused(verify(with([&](TdxSignerOptions& o) { c.change(o.qe_report); })), "tdx.qe-identity", c.reason);
  }
  // XFRM is not under the mask.
  CHECK(verify(with([](TdxSignerOptions& o) { o.qe_report.attributes[8] = std::byte{3}; })).good());
}

TEST_CASE("collateral must be for the platform and of the time") {
  check_refused(verify(with([](TdxSignerOptions& o) { o.tcb_info.fmspc[5] = std::byte{1}; })), "tdx.tcb-info", "FMSPC");
  check_refused(verify(with([](TdxSignerOptions& o) { o.tcb_info.pce_id[0] = std::byte{1}; })), "tdx.tcb-info",
                "PCE-ID");
  check_refused(verify(with([](TdxSignerOptions& o) { o.tcb_info.next_update = now - 1; })), "tdx.tcb-info",
                "TCB info has expired");
  check_refused(verify(with([](TdxSignerOptions& o) { o.tcb_info.issue_date = now + 1; })), "tdx.tcb-info",
                "not yet valid");
  check_refused(verify(with([](TdxSignerOptions& o) { o.qe_identity.next_update = now - 1; })), "tdx.qe-identity",
                "QE identity has expired");
  check_refused(verify(with([](TdxSignerOptions& o) { o.not_after = now - 1; })), "tdx.chain", "has expired");
  check_refused(verify(with([](TdxSignerOptions& o) { o.not_before = now + 1; })), "tdx.chain", "not yet valid");
}

TEST_CASE("of several documents the current one of the highest evaluation counts") {
  const TdxSigner& signer = keys();
  TdxCollateral collateral = collateral_of(signer);
  TdxSignerOptions newer;
  newer.tcb_info.evaluation_data_number += 1;
  newer.tcb_info.levels[0].verdict = {TcbStatus::out_of_date, now, {"INTEL-SA-00002", "INTEL-SA-00001"}};
  const Bytes document = collateral_of(*keys().reissue(newer)).tcb_infos.front();
  collateral.tcb_infos = {to_bytes("garbage"), collateral.tcb_infos.front(), document};
  const TdxVerification result = verify(signer, quote_of(signer), collateral);
  CHECK(status_of(result) == "OutOfDate");
  CHECK(result.tcb->advisories == std::vector<std::string>{"INTEL-SA-00001", "INTEL-SA-00002"});
}

TEST_CASE("revocation lists of the PCK CA and of the root are obeyed") {
  check_refused(verify(with([](TdxSignerOptions& o) { o.revoked_by_ca = {TdxSigner::leaf_serial}; })), "tdx.revocation",
                "'SIMULATED Intel SGX PCK Certificate' is revoked");
  check_refused(verify(with([](TdxSignerOptions& o) { o.revoked_by_root = {TdxSigner::intermediate_serial}; })),
                "tdx.revocation", "'SIMULATED Intel SGX PCK Platform CA' is revoked");
  check_refused(verify(with([](TdxSignerOptions& o) { o.revoked_by_root = {TdxSigner::tcb_signing_serial}; })),
                "tdx.revocation", "'SIMULATED Intel SGX TCB Signing' is revoked");
  const TdxSigner& signer = keys();
  TdxCollateral collateral = collateral_of(signer);
  REQUIRE(collateral.crls.size() == 2);
  collateral.crls.pop_back();
  check_refused(verify(signer, quote_of(signer), collateral), "tdx.revocation", "there is no revocation list of");
  collateral.crls.clear();
  const TdxVerification without = verify(signer, quote_of(signer), collateral);
  CHECK(find(without.checks, "tdx.revocation").result == CheckResult::skipped);
}

TEST_CASE(
    "a bit flipped in any byte of a simulated version 5 quote or its collateral fails, whatever was good before") {
  const TdxSigner& signer = keys();
  const Bytes quote = quote_of(signer);
  const TdxCollateral collateral = collateral_of(signer);
  const TrustRoots roots{{signer.root_der()}};
  VerificationCache cache;
  REQUIRE(verify_tdx(quote, collateral, roots, now, &cache).good());
  const std::size_t end = as_text(quote).find("-----BEGIN CERTIFICATE-----");
  for (std::size_t at = 0; at < end; ++at) {
    Bytes changed = quote;
    changed[at] ^= std::byte{static_cast<unsigned char>(1U << (at % 8))};
    if (verify_tdx(changed, collateral, roots, now, &cache).good()) FAIL_CHECK("byte " << at << " does not matter");
  }
  for (const auto member : {&TdxCollateral::tcb_infos, &TdxCollateral::qe_identities, &TdxCollateral::crls}) {
    for (std::size_t document = 0; document < (collateral.*member).size(); ++document) {
      for (std::size_t at = 0; at < (collateral.*member)[document].size(); ++at) {
        TdxCollateral changed = collateral;
        (changed.*member)[document][at] ^= std::byte{static_cast<unsigned char>(1U << (at % 8))};
        if (verify_tdx(quote, changed, roots, now, &cache).good()) FAIL_CHECK("byte " << at << " does not matter");
      }
    }
  }
}

TEST_CASE("a genuine TD must also be as the owner expects") {
  const TdxSigner& signer = keys();
  const TdxCollateral collateral = collateral_of(signer);
  const Bytes other(48, std::byte{9});
  const struct {
    const char* check;
    const char* reason;
    std::function<void(TdQuoteBody&)> body;
    std::function<void(TdxPolicy&)> policy;
  } cases[] = {
      {"tdx.policy", "under debug", [](TdQuoteBody& b) { b.td_attributes.raw |= 1; }, {}},
      {"tdx.policy", "under debug", [](TdQuoteBody& b) { b.td_attributes.raw |= 0x80; }, {}},
      {"tdx.policy", "migratable", [](TdQuoteBody& b) { b.td_attributes.raw |= std::uint64_t{1} << 29U; }, {}},
      {"tdx.policy", "service TD", [](TdQuoteBody& b) { b.mrservicetd[0] = std::byte{1}; }, {}},
      {"tdx.policy", "SEPT_VE_DISABLE is not set", [](TdQuoteBody& b) { b.td_attributes.raw = 0; },
       [](TdxPolicy& p) { p.sept_ve_disable = true; }},
      {"tdx.policy", "XFAM", {}, [](TdxPolicy& p) { p.xfam = {Bytes(8)}; }},
      {"tdx.policy", "MRSEAM", {}, [&](TdxPolicy& p) { p.mrseam = {other}; }},
      {"tdx.policy", "MRCONFIGID", {}, [&](TdxPolicy& p) { p.mrconfigid = {other}; }},
      {"tdx.policy", "MROWNER", {}, [&](TdxPolicy& p) { p.mrowner = {other}; }},
      {"tdx.policy", "MROWNERCONFIG", {}, [&](TdxPolicy& p) { p.mrownerconfig = {other}; }},
      {"tdx.tcb", "does not accept", {}, [](TdxPolicy& p) { p.tcb_statuses = {"SWHardeningNeeded"}; }},
      {"tdx.measurement", "MRTD", {}, [&](TdxPolicy& p) { p.measurements = {{other, ReferenceOrigin::pinned, {}}}; }},
      {"tdx.rtmrs", "RTMR 2", {}, [&](TdxPolicy& p) { p.rtmrs = {{2, other}}; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.check, c.reason);
    TdQuote quote;
    quote.body = signer.body(TdBodyType::td_15);
    if (c.body) c.body(quote.body);
    const TdxVerification result = verify(signer, *signer.sign_quote(quote), collateral);
    CHECK(result.good());  // genuine all the same
    TdxPolicy policy;
    if (c.policy) c.policy(policy);
    const std::vector<Check> checks = check_tdx_policy(result, policy, {});
    REQUIRE(checks.size() == 4);
    CHECK(find(checks, c.check).result == CheckResult::fail);
    CHECK(find(checks, c.check).detail.find(c.reason) != std::string::npos);
  }
  const std::vector<Check> standard = check_tdx_policy(verify(signer, quote_of(signer), collateral), {}, {});
  CHECK(find(standard, "tdx.tcb").result == CheckResult::pass);
  CHECK(find(standard, "tdx.policy").result == CheckResult::pass);
}

TEST_CASE("a saved TDX signer loads and signs under the same root") {
  char folder[] = "/tmp/attestd-signer-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string path = folder;
  REQUIRE(keys().save(path));
  REQUIRE(keys().write_collateral(path));
  const auto loaded = TdxSigner::load(path, {});
  for (const char* const name :
       {"tdx-root.key", "tdx-pck-ca.key", "tdx-pck.key", "tdx-tcb-signing.key", "tdx-attestation.key"}) {
    CHECK(::unlink((path + "/" + name).c_str()) == 0);
  }
  const auto collateral = load_tdx_collateral(path);
  for (const char* const name : {"tdx-root.pem", "tcbinfo.json", "qeidentity.json", "pckcrl.der", "rootcrl.der",
                                 "tcb-signing-chain.pem", "pck-crl-chain.pem"}) {
    CHECK(::unlink((path + "/" + name).c_str()) == 0);
  }
  CHECK(::rmdir(folder) == 0);
  REQUIRE(loaded);
  REQUIRE(collateral);
  CHECK(loaded->root_der() == keys().root_der());
  CHECK(verify(keys(), quote_of(*loaded), *collateral).good());
}
