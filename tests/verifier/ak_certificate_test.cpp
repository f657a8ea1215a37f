#include "verifier/ak_certificate.h"

#include <functional>

#include "sim/signer/gcp_signer.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "tests/verifier/software_ak.h"
#include "tests/verifier/tpm_public_of.h"
#include "verifier/trust_root_file.h"

namespace attestd {
namespace {

constexpr std::int64_t in_2025 = 1750000000;
constexpr std::int64_t in_2023 = 1690000000;
constexpr std::int64_t in_2060 = 2850000000;

const sim::GcpSigner& signer() {
  static const sim::GcpSigner minted = sim::GcpSigner::mint({}).value();
  return minted;
}

std::vector<Bytes> genuine_chain(const std::string& file) {
  return load_trust_roots(test::vectors_folder() + "/gcp/" + file).value();
}

struct Genuine {
  const char* certificate;
  const char* chain;
  TpmKeyUse use;
};
constexpr Genuine genuine_cases[] = {{"akcert.pem", "ak_chain.pem", TpmKeyUse::attestation},
                                     {"ekcert.pem", "ek_chain.pem", TpmKeyUse::endorsement}};

TEST_CASE("Google's certificates of a vTPM's keys verify inside their validity, and name their instance") {
  for (const Genuine& genuine : genuine_cases) {
    INFO(genuine.certificate);
    if (!test::vector_file(std::string("gcp/") + genuine.certificate)) return;
    const Bytes certificate = genuine_chain(genuine.certificate).at(0);
    const TpmPublic key = test::tpm_public_of(certificate);
    const auto chain = genuine_chain(genuine.chain);
    const auto verified = verify_tpm_key_certificate(certificate, key, genuine.use, chain, {}, in_2025);
    REQUIRE(verified);
    CHECK(verified->root_name == "Google EK/AK CA Root");
    CHECK_FALSE(verified->simulated);
    REQUIRE(verified->instance);
    CHECK(verified->instance->instance_id == 6524697943022743941U);
    CHECK(verified->instance->project_id == "core-eso");

    for (const std::int64_t at : {in_2023, in_2060}) {
      const auto outside = verify_tpm_key_certificate(certificate, key, genuine.use, chain, {}, at);
      REQUIRE_FALSE(outside);
      CHECK(outside.error().code == Errc::expired);
      CHECK(outside.error().message.find("valid") != std::string::npos);
    }
    // One key's certificate is no good for the other's use.
    const TpmKeyUse other = genuine.use == TpmKeyUse::attestation ? TpmKeyUse::endorsement : TpmKeyUse::attestation;
    CHECK(verify_tpm_key_certificate(certificate, key, other, chain, {}, in_2025).error().code == Errc::refused);
    CHECK(verify_tpm_key_certificate(certificate, key, genuine.use, {}, {}, in_2025).error().code == Errc::not_found);
  }
}

TEST_CASE("a bit flipped at any byte of Google's certificate of an attestation key is found") {
  if (!test::vector_file("gcp/akcert.pem")) return;
  const Bytes certificate = genuine_chain("akcert.pem").at(0);
  const TpmPublic key = test::tpm_public_of(certificate);
  const auto chain = genuine_chain("ak_chain.pem");
  for (std::size_t at = 0; at < certificate.size(); ++at) {
    Bytes flipped = certificate;
    flipped[at] ^= std::byte{1};
    INFO(at);
    CHECK_FALSE(verify_tpm_key_certificate(flipped, key, TpmKeyUse::attestation, chain, {}, in_2025));
  }
}

TEST_CASE("a simulated chain verifies under the named root only, and says so") {
  const test::SoftwareAk ak;
  const TpmPublic key = parse_tpm_public(ak.public_area()).value();
  const Bytes certificate = signer().certify(key, TpmKeyUse::attestation).value();
  const auto chain = signer().chain(TpmKeyUse::attestation);
  const TrustRoots named{.named = {}, .vtpm = {signer().root_der()}};
  const auto verified = verify_tpm_key_certificate(certificate, key, TpmKeyUse::attestation, chain, named, in_2025);
  REQUIRE(verified);
  CHECK(verified->simulated);
  CHECK(verified->instance->project_id == "attestd-sim");
  const auto unnamed = verify_tpm_key_certificate(certificate, key, TpmKeyUse::attestation, chain, {}, in_2025);
  REQUIRE_FALSE(unnamed);
  CHECK(unnamed.error().code == Errc::refused);
  CHECK(unnamed.error().message.find("neither Google's root") != std::string::npos);
  // The other intermediate has the same name.
  CHECK_FALSE(verify_tpm_key_certificate(certificate, key, TpmKeyUse::attestation,
                                         signer().chain(TpmKeyUse::endorsement), named, in_2025));
}

TEST_CASE("a certificate of another key is refused") {
  const test::SoftwareAk ak;
  const test::SoftwareAk other;
  const Bytes certificate =
      signer().certify(parse_tpm_public(other.public_area()).value(), TpmKeyUse::attestation).value();
  const auto verified =
      verify_tpm_key_certificate(certificate, parse_tpm_public(ak.public_area()).value(), TpmKeyUse::attestation,
                                 signer().chain(TpmKeyUse::attestation), {{signer().root_der()}}, in_2025);
  CHECK(verified.error().code == Errc::mismatch);
}

TEST_CASE("a defect anywhere in the chain is found") {
  using Defects = sim::GcpSignerOptions::Defects;
  const struct {
    const char* what;
    void (*make)(Defects&);
    Errc code;
  } table[] = {
      {"an intermediate that is no CA", [](Defects& d) { d.intermediate_is_no_ca = true; }, Errc::refused},
      {"an expired intermediate", [](Defects& d) { d.intermediate_expired = true; }, Errc::expired},
      {"a signature by another key", [](Defects& d) { d.signed_by_root_key = true; }, Errc::mismatch},
      {"another use", [](Defects& d) { d.other_usage = true; }, Errc::refused},
      {"a key's certificate that is a CA's", [](Defects& d) { d.leaf_is_ca = true; }, Errc::refused},
      {"an expired certificate", [](Defects& d) { d.leaf_expired = true; }, Errc::expired},
      {"SHA-1", [](Defects& d) { d.sha1 = true; }, Errc::refused},
      {"an unknown critical extension", [](Defects& d) { d.unknown_critical_extension = true; }, Errc::unsupported},
  };
  const test::SoftwareAk ak;
  const TpmPublic key = parse_tpm_public(ak.public_area()).value();
  for (const auto& row : table) {
    INFO(row.what);
    sim::GcpSignerOptions options;
    row.make(options.defects);
    const sim::GcpSigner broken = signer().reissue(options).value();
    const auto verified =
        verify_tpm_key_certificate(broken.certify(key, TpmKeyUse::attestation).value(), key, TpmKeyUse::attestation,
                                   broken.chain(TpmKeyUse::attestation), {{broken.root_der()}}, in_2025);
    REQUIRE_FALSE(verified);
    CHECK(verified.error().code == row.code);
  }
}

}  // namespace
}  // namespace attestd
