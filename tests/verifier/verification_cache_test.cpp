#include "verifier/verification_cache.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/encoding.h"
#include "evidence/snp_certificates.h"
#include "sim/signer/snp_signer.h"
#include "sim/signer/tdx_signer.h"
#include "tests/catch.h"
#include "verifier/snp.h"
#include "verifier/tdx.h"

namespace attestd {
namespace {

const std::int64_t now = *from_rfc3339("2026-11-24T00:00:00Z");
const std::int64_t later = *from_rfc3339("2099-01-01T00:00:00Z");

struct SnpCase {
  sim::SnpSigner signer = *sim::SnpSigner::mint({});
  Bytes report;
  SnpEndorsements given;
  TrustRoots roots{{signer.root_der()}};

  SnpCase() {
    SnpReport unsigned_report;
    unsigned_report.policy.raw = 0x30000;
    REQUIRE(signer.sign(unsigned_report));
    report = encode_snp_report(unsigned_report);
    REQUIRE(add_snp_certificate_table(encode_snp_certificate_table(signer.certificates()), given));
  }
};

struct TdxCase {
  sim::TdxSigner signer = *sim::TdxSigner::mint({});
  Bytes quote;
  TdxCollateral collateral;
  TrustRoots roots{{signer.root_der()}};

  TdxCase() {
    TdQuote unsigned_quote;
    unsigned_quote.body = signer.body(TdBodyType::td_15);
    quote = *signer.sign_quote(unsigned_quote);
    const sim::TdxSigner::Collateral all = *signer.collateral();
    for (const Bytes* const bytes :
         {&all.tcb_info, &all.qe_identity, &all.pck_crl, &all.root_crl, &all.tcb_signing_chain, &all.pck_crl_chain}) {
      REQUIRE(add_tdx_collateral(*bytes, collateral));
    }
  }
};

CheckResult result_of(const std::vector<Check>& checks, std::string_view id) {
  const auto found = std::ranges::find(checks, id, &Check::id);
  REQUIRE(found != checks.end());
  return found->result;
}

void check_same(const std::vector<Check>& a, const std::vector<Check>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].id == b[i].id);
    CHECK(a[i].result == b[i].result);
    CHECK(a[i].detail == b[i].detail);
  }
}

std::shared_ptr<const void> thing(int value = 0) { return std::make_shared<const int>(value); }

}  // namespace

TEST_CASE("a warm SNP verification says what a cold one says, and makes nothing else good") {
  SnpCase one;
  VerificationCache cache;
  const SnpVerification cold = verify_snp(one.report, one.given, one.roots, now);
  REQUIRE(cold.good());
  for (int i = 0; i < 2; ++i) check_same(cold.checks, verify_snp(one.report, one.given, one.roots, now, &cache).checks);

  SECTION("a certificate with another signature is not the one that was good") {
    for (std::size_t i = 0; i < one.given.certificates.size(); ++i) {
      SnpEndorsements forged = one.given;
      forged.certificates[i].back() ^= std::byte{1};
      // The root that is named stays; the others are needed.
      const bool is_root = one.given.certificates[i] == one.signer.root_der();
      CHECK(verify_snp(one.report, forged, one.roots, now, &cache).good() == is_root);
    }
  }
  SECTION("an issuer of the same name with another key is not the one that was good") {
    const SnpCase other;
    SnpEndorsements mixed;
    const auto is_leaf = [&](const Bytes& der) { return der == one.given.certificates.front(); };
    for (const Bytes& der : one.given.certificates) {
      if (is_leaf(der)) mixed.certificates.push_back(der);
    }
    for (const Bytes& der : other.given.certificates) {
      if (der != other.given.certificates.front()) mixed.certificates.push_back(der);
    }
    CHECK_FALSE(verify_snp(one.report, mixed, other.roots, now, &cache).good());
  }
  SECTION("time goes on") {
    CHECK(result_of(verify_snp(one.report, one.given, one.roots, later, &cache).checks, "snp.chain") ==
          CheckResult::fail);
  }
  SECTION("the root must still be trusted") {
    CHECK(result_of(verify_snp(one.report, one.given, {}, now, &cache).checks, "snp.chain") == CheckResult::fail);
  }
  SECTION("the report itself is always checked") {
    one.report[0x50] ^= std::byte{1};
    CHECK(result_of(verify_snp(one.report, one.given, one.roots, now, &cache).checks, "snp.signature") ==
          CheckResult::fail);
  }
}

TEST_CASE("a warm TDX verification says what a cold one says, and makes nothing else good") {
  const TdxCase one;
  VerificationCache cache;
  const TdxVerification cold = verify_tdx(one.quote, one.collateral, one.roots, now);
  REQUIRE(cold.good());
  for (int i = 0; i < 2; ++i) {
    const TdxVerification warm = verify_tdx(one.quote, one.collateral, one.roots, now, &cache);
    check_same(cold.checks, warm.checks);
    REQUIRE(warm.tcb);
    CHECK(warm.tcb->status == cold.tcb->status);
  }

  SECTION("time goes on, for certificates and for documents") {
    const TdxVerification late = verify_tdx(one.quote, one.collateral, one.roots, later, &cache);
    for (const char* const id : {"tdx.chain", "tdx.qe-identity", "tdx.tcb-info"}) {
      CHECK(result_of(late.checks, id) == CheckResult::fail);
    }
  }
  SECTION("the root must still be trusted") {
    CHECK(result_of(verify_tdx(one.quote, one.collateral, {}, now, &cache).checks, "tdx.chain") == CheckResult::fail);
  }
  SECTION("documents of another signer are not those that were good") {
    const TdxCase other;
    TdxCollateral mixed = one.collateral;
    mixed.tcb_infos = other.collateral.tcb_infos;
    CHECK(result_of(verify_tdx(one.quote, mixed, one.roots, now, &cache).checks, "tdx.tcb-info") == CheckResult::fail);
    mixed = one.collateral;
    mixed.crls = other.collateral.crls;
    CHECK(result_of(verify_tdx(one.quote, mixed, one.roots, now, &cache).checks, "tdx.revocation") ==
          CheckResult::fail);
  }
}

TEST_CASE("what is kept is found by exactly its bytes and its kind") {
  using Kind = VerificationCache::Kind;
  VerificationCache cache;
  const auto object = thing(7);
  cache.keep(Kind::certificate, to_bytes("abc"), object);
  CHECK(cache.find(Kind::certificate, to_bytes("abc")) == object);
  CHECK(cache.find(Kind::certificate, to_bytes("ab")) == nullptr);
  CHECK(cache.find(Kind::certificate, to_bytes("abd")) == nullptr);
  CHECK(cache.find(Kind::revocation_list, to_bytes("abc")) == nullptr);
  cache.keep(Kind::certificate, to_bytes("abc"), thing(8));
  CHECK(cache.find(Kind::certificate, to_bytes("abc")) == object);
}

TEST_CASE("only signatures between kept objects are remembered, and no longer than these") {
  using Kind = VerificationCache::Kind;
  VerificationCache cache({.objects = 3, .bytes = 100});
  const auto signer = thing();
  const auto object = thing();
  const auto stranger = thing();
  cache.keep(Kind::certificate, to_bytes("signer"), signer);
  cache.keep(Kind::certificate, to_bytes("object"), object);
  cache.remember_good(object.get(), signer.get());
  CHECK(cache.is_good(object.get(), signer.get()));
  CHECK_FALSE(cache.is_good(signer.get(), object.get()));
  cache.remember_good(stranger.get(), signer.get());
  cache.remember_good(object.get(), stranger.get());
  CHECK_FALSE(cache.is_good(stranger.get(), signer.get()));
  CHECK_FALSE(cache.is_good(object.get(), stranger.get()));

  SECTION("too many objects") {
    cache.keep(Kind::certificate, to_bytes("third"), thing());
    CHECK(cache.is_good(object.get(), signer.get()));
    cache.keep(Kind::certificate, to_bytes("fourth"), thing());
  }
  SECTION("too many bytes") { cache.keep(Kind::certificate, Bytes(95), thing()); }
  CHECK_FALSE(cache.is_good(object.get(), signer.get()));
  CHECK(cache.find(Kind::certificate, to_bytes("signer")) == nullptr);
  cache.remember_good(object.get(), signer.get());
  CHECK_FALSE(cache.is_good(object.get(), signer.get()));
}

TEST_CASE("what is larger than the cache is not kept and throws nothing out") {
  using Kind = VerificationCache::Kind;
  VerificationCache cache({.objects = 3, .bytes = 10});
  cache.keep(Kind::certificate, to_bytes("small"), thing());
  cache.keep(Kind::certificate, Bytes(11), thing());
  CHECK(cache.find(Kind::certificate, Bytes(11)) == nullptr);
  CHECK(cache.find(Kind::certificate, to_bytes("small")) != nullptr);
}

TEST_CASE("many threads may verify with one cache, even one that forgets all the time") {
  const SnpCase snp;
  const TdxCase tdx;
  VerificationCache cache({.objects = 4, .bytes = std::size_t{1} << 20U});
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10; ++n) {
          if (verify_snp(snp.report, snp.given, snp.roots, now, &cache).good()) ++good;
          if (verify_tdx(tdx.quote, tdx.collateral, tdx.roots, now, &cache).good()) ++good;
        }
      });
    }
  }
  CHECK(good == 80);
}

}  // namespace attestd
