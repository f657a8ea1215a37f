// Reports of our own signer: what AMD would never sign, and what none of our
// genuine evidence shows.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "evidence/snp_certificates.h"
#include "sim/signer/snp_signer.h"
#include "tests/catch.h"
#include "verifier/snp.h"

using namespace attestd;
using sim::SnpSigner;
using sim::SnpSignerOptions;

namespace {

const std::int64_t now = *from_rfc3339("2026-11-24T00:00:00Z");
constexpr std::int64_t day = 86400;

// RSA-4096 keys take seconds: one set for the process.
const SnpSigner& keys() {
  static const SnpSigner signer = *SnpSigner::mint({});
  return signer;
}

FixedBytes<64> chip_id(std::size_t size) {
  FixedBytes<64> out{};
  std::fill_n(out.begin(), size, std::byte{0xc1});
  return out;
}

SnpSignerOptions options(SnpProduct product = SnpProduct::milan) {
  SnpSignerOptions out;
  out.product = product;
  out.chip_id = chip_id(product == SnpProduct::turin ? 8 : 64);
  if (product == SnpProduct::turin) out.tcb.fmc = 3;
  return out;
}

SnpEndorsements endorsements(const SnpSigner& signer) {
  SnpEndorsements out;
  const auto added = add_snp_certificate_table(encode_snp_certificate_table(signer.certificates()), out);
  REQUIRE(added);
  return out;
}

SnpReport signed_report(const SnpSigner& signer) {
  SnpReport out;
  out.policy.raw = 0x30000;
  REQUIRE(signer.sign(out));
  return out;
}

SnpVerification verify(const SnpSigner& signer, const SnpReport& report, const SnpEndorsements& given) {
  const SnpVerification out = verify_snp(encode_snp_report(report), given, {{signer.root_der()}}, now);
  for (const Check& check : out.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  return out;
}
SnpVerification verify(const SnpSigner& signer) { return verify(signer, signed_report(signer), endorsements(signer)); }

const Check& find(const SnpVerification& verification, std::string_view id) {
  for (const Check& check : verification.checks) {
    if (check.id == id) return check;
  }
  FAIL("there is no check " << id);
  return verification.checks.front();
}

// Refused, by this check alone or first, for this reason.
void check_refused(const SnpVerification& verification, std::string_view id, std::string_view reason) {
  CHECK(verification.checks.size() == 4);
  CHECK_FALSE(verification.good());
  CHECK(find(verification, id).result == CheckResult::fail);
  CHECK(find(verification, id).detail.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE(
    "simulated reports of all products, versions and keys are good under a named root, and said to be simulated") {
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    for (const SnpSigningKey key : {SnpSigningKey::vcek, SnpSigningKey::vlek}) {
      for (std::uint32_t version = 2; version <= 5; ++version) {
        SnpSignerOptions chosen = options(product);
        chosen.signing_key = key;
        chosen.report_version = version;
        const SnpSigner signer = *keys().reissue(chosen);
        const SnpVerification result = verify(signer);
        CAPTURE(snp_product_name(product), version);
        CHECK(result.good());
        CHECK(result.simulated);
        CHECK(result.product == product);
        CHECK(result.signer == (key == SnpSigningKey::vlek ? "VLEK" : "VCEK"));
        CHECK(result.root_name == "SIMULATED ARK-" + std::string(snp_product_name(product)));
      }
    }
  }
}

TEST_CASE("a root that nobody named is refused") {
  const SnpSigner signer = *keys().reissue(options());
  const SnpVerification result =
      verify_snp(encode_snp_report(signed_report(signer)), endorsements(signer), TrustRoots{}, now);
  check_refused(result, "snp.chain", "neither a root of AMD's nor one that you named");
  CHECK_FALSE(result.simulated);
}

TEST_CASE("a named root alone completes a chain that lacks it") {
  const SnpSigner signer = *keys().reissue(options());
  SnpEndorsements given = endorsements(signer);
  given.certificates.pop_back();
  CHECK(verify(signer, signed_report(signer), given).good());
}

TEST_CASE("chains with a defect are refused") {
  struct Case {
    const char* check;
    const char* reason;
    SnpSignerOptions::Defects defects;
  };
  std::vector<Case> cases{
      {"snp.chain", "is no CA", {}},
      {"snp.chain", "not signed by RSASSA-PSS with SHA-384", {}},
      {"snp.tcb-binding", "lacks AMD's", {}},
      {"snp.tcb-binding", "its root for Milan", {}},
      {"snp.tcb-binding", "is not known", {}},
      {"snp.chain", "not signed by the certificate of its issuer", {}},
      {"snp.chain", "does not issue VCEKs", {}},
  };
  cases[0].defects.intermediate_is_no_ca = true;
  cases[1].defects.sha256 = true;
  cases[2].defects.no_extensions = true;
  cases[3].defects.product_name = "Genoa-B1";
  cases[4].defects.product_name = "Naples";
  cases[5].defects.leaf_signed_by_root = true;
  cases[6].defects.other_intermediate = true;
  for (const Case& c : cases) {
    CAPTURE(c.reason);
    SnpSignerOptions chosen = options();
    chosen.defects = c.defects;
    const SnpSigner signer = *keys().reissue(chosen);
    const SnpVerification result = verify(signer);
    CHECK(find(result, "snp.signature").result == CheckResult::pass);
    check_refused(result, c.check, c.reason);
  }
}

TEST_CASE("certificates outside their validity are refused") {
  SnpSignerOptions chosen = options();
  chosen.not_before = now + 1;
  check_refused(verify(*keys().reissue(chosen)), "snp.chain", "not yet valid");
  chosen.not_before = now - day;
  chosen.not_after = now - 1;
  check_refused(verify(*keys().reissue(chosen)), "snp.chain", "expired");
  chosen.not_after = now;
  CHECK(verify(*keys().reissue(chosen)).good());
}

TEST_CASE("a report must be of the certificate's TCB, chip and product") {
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    CAPTURE(snp_product_name(product));
    const SnpSigner signer = *keys().reissue(options(product));
    const SnpEndorsements given = endorsements(signer);
    for (unsigned byte = 0; byte < 8; ++byte) {
      SnpReport report = signed_report(signer);
      report.reported_tcb ^= std::uint64_t{1} << (8 * byte);
      REQUIRE(signer.sign_unchanged(report));
      check_refused(verify(signer, report, given), "snp.tcb-binding", "reported TCB");
    }
    SnpReport older = signed_report(signer);
    older.current_tcb = 0xff;  // the certificate binds the reported TCB only
    REQUIRE(signer.sign_unchanged(older));
    CHECK(verify(signer, older, given).good());
    for (const std::size_t byte : {0U, 7U, 8U, 63U}) {
      SnpReport report = signed_report(signer);
      report.chip_id[byte] ^= std::byte{1};
      REQUIRE(signer.sign_unchanged(report));
      check_refused(verify(signer, report, given), "snp.tcb-binding", "chip ID");
    }
    SnpReport report = signed_report(signer);
    report.cpuid_model = 0x71;
    REQUIRE(signer.sign_unchanged(report));
    check_refused(verify(signer, report, given), "snp.tcb-binding", "CPUID");
  }
}

TEST_CASE("a report that disowns its signature is refused although the signature is right") {
  const SnpSigner signer = *keys().reissue(options());
  const struct {
    std::uint32_t key_flags, algorithm;
    const char* reason;
  } cases[] = {{2, 1, "masked"},
               {7U << 2U, 1, "no key signed"},
               {3U << 2U, 1, "reserved signing key 3"},
               {0, 2, "signature algorithm 2"}};
  for (const auto& c : cases) {
    CAPTURE(c.reason);
    SnpReport report = signed_report(signer);
    report.key_flags = c.key_flags;
    report.signature_algorithm = c.algorithm;
    REQUIRE(signer.sign_unchanged(report));
    check_refused(verify(signer, report, endorsements(signer)), "snp.signature", c.reason);
  }
}

TEST_CASE("a VLEK report needs a VLEK and its issuer, a VCEK report a VCEK") {
  SnpSignerOptions chosen = options();
  const SnpSigner vcek = *keys().reissue(chosen);
  chosen.signing_key = SnpSigningKey::vlek;
  const SnpSigner vlek = *keys().reissue(chosen);
  // The same key signs under both certificates here: only their kind differs.
  for (const auto& [result, missing] :
       {std::pair{verify(vcek, signed_report(vlek), endorsements(vcek)), "no VLEK certificate"},
        std::pair{verify(vcek, signed_report(vcek), endorsements(vlek)), "no VCEK certificate"}}) {
    CHECK_FALSE(result.good());
    for (const Check& check : result.checks) CHECK(check.result == CheckResult::skipped);
    CHECK(find(result, "snp.signature").detail.find(missing) != std::string::npos);
  }
}

TEST_CASE("of several certificates for one key the one that binds is found") {
  SnpSignerOptions chosen = options();
  const SnpSigner right = *keys().reissue(chosen);
  chosen.tcb.microcode = 1;
  const SnpSigner other = *keys().reissue(chosen);
  SnpEndorsements given = endorsements(other);
  const SnpEndorsements also = endorsements(right);
  given.certificates.insert(given.certificates.end(), also.certificates.begin(), also.certificates.end());
  const SnpReport report = signed_report(right);
  CHECK(verify_snp(encode_snp_report(report), given, {{right.root_der(), other.root_der()}}, now).good());
}

TEST_CASE("revocation lists are obeyed") {
  SnpSignerOptions chosen = options();
  chosen.leaf_serial = 77;
  const SnpSigner signer = *keys().reissue(chosen);
  const SnpReport report = signed_report(signer);
  const auto with = [&](std::vector<Bytes> lists) {
    SnpEndorsements given = endorsements(signer);
    given.crls = std::move(lists);
    return verify(signer, report, given);
  };
  const auto list = [&](std::vector<std::uint64_t> serials, std::int64_t from, std::int64_t to) {
    return *signer.crl(serials, from, to);
  };
  const Bytes clean = list({5}, now - day, now + day);

  CHECK(find(with({}), "snp.revocation").result == CheckResult::skipped);
  CHECK(find(with({clean}), "snp.revocation").result == CheckResult::pass);
  CHECK(with({clean}).good());
  check_refused(with({list({SnpSigner::intermediate_serial}, now - day, now + day)}), "snp.revocation", "is revoked");
  check_refused(with({list({77}, now - day, now + day)}), "snp.revocation", "is revoked");
  check_refused(with({list({}, now - 2 * day, now - day)}), "snp.revocation", "expired");
  check_refused(with({list({}, now + day, now + 2 * day)}), "snp.revocation", "not yet valid");
  // A list that the host adds can neither hide a revocation nor forge one.
  check_refused(with({clean, list({77}, now - 3 * day, now - 2 * day)}), "snp.revocation", "is revoked");
  Bytes forged = list({77}, now - day, now + day);
  forged.back() ^= std::byte{1};
  check_refused(with({forged}), "snp.revocation", "is not signed by the certificate");
  CHECK(find(with({forged, clean}), "snp.revocation").result == CheckResult::pass);
  const SnpSigner genoa = *keys().reissue(options(SnpProduct::genoa));
  const SnpVerification foreign = with({*genoa.crl({77}, now - day, now + day)});
  CHECK(find(foreign, "snp.revocation").result == CheckResult::skipped);
  CHECK(find(foreign, "snp.revocation").detail.find("none of the 1") != std::string::npos);
}

TEST_CASE("hostile endorsements are refused, not crashed on") {
  const SnpSigner signer = *keys().reissue(options());
  const SnpReport report = signed_report(signer);
  SnpEndorsements given = endorsements(signer);
  given.certificates.push_back(to_bytes("no certificate"));
  given.certificates.emplace_back(100000);
  given.crls.push_back(to_bytes("no list"));
  CHECK(verify(signer, report, given).good());
  given.certificates.resize(33);
  check_refused(verify(signer, report, given), "snp.signature", "limit");
  SnpEndorsements none;
  CHECK_FALSE(add_snp_certificate_table(as_bytes("short"), none));
  CHECK_FALSE(add_snp_certificate_table(encode_snp_certificate_table({{Guid(snp_guid_vcek), Bytes(10)}}), none));
}

TEST_CASE("a saved signer loads and signs under the same root") {
  char folder[] = "/tmp/attestd-signer-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const SnpSigner signer = *keys().reissue(options(SnpProduct::turin));
  REQUIRE(signer.save(folder));
  const auto loaded = SnpSigner::load(folder);
  const auto found = load_snp_endorsements(folder);
  for (const char* name : {"ark", "intermediate", "leaf"}) {
    for (const char* suffix : {".key", ".pem"}) ::unlink((std::string(folder) + "/" + name + suffix).c_str());
  }
  ::unlink((std::string(folder) + "/signer.conf").c_str());
  CHECK(::rmdir(folder) == 0);
  REQUIRE(loaded);
  REQUIRE(found);
  CHECK(loaded->root_der() == signer.root_der());
  CHECK(verify(signer, signed_report(*loaded), *found).good());
}
