// Genuine reports of AMD processors.
#include "verifier/snp.h"

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/snp_chain_internal.h"
#include "verifier/x509_internal.h"

using namespace attestd;

namespace {

const std::int64_t in_june_2025 = *from_rfc3339("2025-06-01T00:00:00Z");
const std::int64_t in_november_2026 = *from_rfc3339("2026-11-24T00:00:00Z");

SnpEndorsements endorsements(std::initializer_list<const char*> files) {
  SnpEndorsements out;
  for (const char* file : files) {
    const Bytes bytes = *test::vector_file(file);
    if (bytes[0] == std::byte{0x30}) {
      out.certificates.push_back(bytes);
      continue;
    }
    const openssl::Stream stream(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    for (;;) {
      const openssl::Certificate one(PEM_read_bio_X509(stream.get(), nullptr, nullptr, nullptr));
      if (one == nullptr) break;
      out.certificates.push_back(openssl::to_der(i2d_X509, one.get()));
    }
    ERR_clear_error();
  }
  return out;
}

const Check& find(const SnpVerification& verification, std::string_view id) {
  for (const Check& check : verification.checks) {
    if (check.id == id) return check;
  }
  FAIL("there is no check " << id);
  return verification.checks.front();
}

}  // namespace

TEST_CASE("a genuine version 2 report is good under its VCEK") {
  const auto report = test::vector_file("snp/milan-vcek-v2/report.bin");
  if (!report) return;
  const auto given = load_snp_endorsements(test::vectors_folder() + "/snp/milan-vcek-v2");
  REQUIRE(given);
  const SnpVerification result = verify_snp(*report, *given, {}, in_november_2026);
  for (const Check& check : result.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  CHECK(result.good());
  CHECK(find(result, "snp.revocation").result == CheckResult::skipped);
  CHECK_FALSE(result.simulated);
  CHECK(result.root_name == "ARK-Milan");
  CHECK(result.signer == "VCEK");
  CHECK(result.product == SnpProduct::milan);
  CHECK(result.leaf_not_before == "2022-09-24T00:55:28Z");
  CHECK(result.leaf_not_after == "2029-09-24T00:55:28Z");
}

TEST_CASE("a genuine VLEK report is good while the VLEK is valid and not after") {
  const auto report = test::vector_file("snp/milan-vlek-v3/report.bin");
  if (!report) return;
  const auto given = load_snp_endorsements(test::vectors_folder() + "/snp/milan-vlek-v3");
  REQUIRE(given);
  const SnpVerification then = verify_snp(*report, *given, {}, in_june_2025);
  for (const Check& check : then.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  CHECK(then.good());
  CHECK(then.signer == "VLEK");
  const SnpVerification now = verify_snp(*report, *given, {}, in_november_2026);
  CHECK_FALSE(now.good());
  CHECK(find(now, "snp.signature").result == CheckResult::pass);
  CHECK(find(now, "snp.chain").result == CheckResult::fail);
  CHECK(find(now, "snp.chain").detail.find("expired") != std::string::npos);
  CHECK(find(now, "snp.chain").detail.find("2025-12-10T22:14:21Z") != std::string::npos);
  const SnpVerification before = verify_snp(*report, *given, {}, *from_rfc3339("2024-01-01T00:00:00Z"));
  CHECK(find(before, "snp.chain").detail.find("not yet valid") != std::string::npos);
}

TEST_CASE("a VCEK that did not sign fails the signature, whichever others are there") {
  if (!test::vector_file("snp/milan-wrong-vcek/report.bin")) return;
  const Bytes report = *test::vector_file("snp/milan-wrong-vcek/report.bin");
  const struct {
    std::initializer_list<const char*> files;
    bool good;
  } cases[] = {
      {{"snp/milan-wrong-vcek/vcek-right.der", "snp/milan-wrong-vcek/chain.pem"}, true},
      {{"snp/milan-wrong-vcek/vcek-wrong-1.der", "snp/milan-wrong-vcek/chain.pem"}, false},
      {{"snp/milan-wrong-vcek/vcek-wrong-2.der", "snp/milan-wrong-vcek/chain.pem"}, false},
      {{"snp/milan-wrong-vcek/vcek-wrong-1.der", "snp/milan-wrong-vcek/vcek-wrong-2.der",
        "snp/milan-wrong-vcek/chain.pem"},
       false},
      {{"snp/milan-wrong-vcek/vcek-wrong-1.der", "snp/milan-wrong-vcek/chain.pem",
        "snp/milan-wrong-vcek/vcek-wrong-2.der", "snp/milan-wrong-vcek/vcek-right.der"},
       true},
  };
  for (const auto& c : cases) {
    const SnpVerification result = verify_snp(report, endorsements(c.files), {}, in_june_2025);
    for (const Check& check : result.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
    CHECK(result.good() == c.good);
    CHECK(find(result, "snp.signature").result == (c.good ? CheckResult::pass : CheckResult::fail));
  }
}

TEST_CASE("what is missing is said, with where to get it") {
  if (!test::vector_file("snp/milan-vcek-v2/report.bin")) return;
  const Bytes report = *test::vector_file("snp/milan-vcek-v2/report.bin");
  const auto no_leaf = verify_snp(report, endorsements({"snp/milan-vcek-v2/chain.pem"}), {}, in_june_2025);
  CHECK(find(no_leaf, "snp.signature").detail.find("no VCEK certificate") != std::string::npos);
  const auto no_chain = verify_snp(report, endorsements({"snp/milan-vcek-v2/vcek.der"}), {}, in_june_2025);
  CHECK(find(no_chain, "snp.signature").result == CheckResult::pass);
  CHECK(find(no_chain, "snp.chain").result == CheckResult::fail);
  CHECK(find(no_chain, "snp.chain").detail.find("kdsintf.amd.com/vcek/v1/Milan/cert_chain") != std::string::npos);
  const auto other_chain = verify_snp(
      report, endorsements({"snp/milan-vcek-v2/vcek.der", "snp/amd-chains/genoa-vcek.pem"}), {}, in_june_2025);
  CHECK_FALSE(other_chain.good());
}

// Some seconds: a P-384 verification each.
TEST_CASE("one flipped bit anywhere in a genuine report is refused") {
  for (const std::string folder : {"snp/milan-vcek-v2/"}) {
    if (!test::vector_file(folder + "report.bin")) return;
    Bytes report = *test::vector_file(folder + "report.bin");
    const SnpEndorsements given = *load_snp_endorsements(test::vectors_folder() + "/" + folder);
    REQUIRE(verify_snp(report, given, {}, in_june_2025).good());
    std::size_t flips = 0;
    for (std::byte& byte : report) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        byte ^= std::byte{1} << bit;
        if (verify_snp(report, given, {}, in_june_2025).good()) FAIL("accepted with a flipped bit in " << flips / 8);
        byte ^= std::byte{1} << bit;
        ++flips;
      }
    }
    CHECK(flips == 9472);
  }
}

TEST_CASE("each of AMD's published chains ends in a pinned root") {
  const struct {
    const char* file;
    const char* root;
  } cases[] = {{"snp/amd-chains/milan-vcek.pem", "ARK-Milan"}, {"snp/amd-chains/milan-vlek.pem", "ARK-Milan"},
               {"snp/amd-chains/genoa-vcek.pem", "ARK-Genoa"}, {"snp/amd-chains/genoa-vlek.pem", "ARK-Genoa"},
               {"snp/amd-chains/turin-vcek.pem", "ARK-Turin"}, {"snp/amd-chains/turin-vlek.pem", "ARK-Turin"}};
  for (const auto& c : cases) {
    CAPTURE(c.file);
    if (!test::vector_file(c.file)) continue;
    const SnpEndorsements given = endorsements({c.file});
    REQUIRE(given.certificates.size() == 2);
    SnpCertificatePool pool;
    for (const Bytes& der : given.certificates) pool.issuers.push_back(*x509::parse_certificate(der));
    // Any certificate that the root issued finds it, so the intermediate can
    // stand for a leaf one step down.
    X509* const intermediate = pool.issuers[0].get();
    X509* const root = pool.issuers[1].get();
    CHECK(x509::check_signature(x509::SignatureScheme::rsa_pss_sha384, intermediate, root));
    CHECK(x509::check_signature(x509::SignatureScheme::rsa_pss_sha384, root, root));
    CHECK(x509::check_ca(intermediate));
    CHECK(x509::check_ca(root));
    CHECK(x509::is_rsa4096(X509_get0_pubkey(intermediate)));
    CHECK(x509::check_validity(intermediate, in_november_2026));
    const auto chain = find_snp_chain(intermediate, pool, {});
    REQUIRE(chain);
    CHECK(chain->root_name == c.root);
    CHECK_FALSE(chain->simulated);
  }
}
