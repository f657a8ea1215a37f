#include "verifier/nitro.h"

#include <functional>

#include "base/encoding.h"
#include "evidence/cose_sign1.h"
#include "sim/signer/nitro_signer.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/trust_root_file.h"

using namespace attestd;

namespace {

constexpr std::int64_t now = 1764000000;

const sim::NitroSigner& signer() {
  static const sim::NitroSigner minted = *sim::NitroSigner::mint({});
  return minted;
}

NitroDocument sample() {
  NitroDocument out;
  for (unsigned i = 0; i < 24; ++i) out.pcrs[i] = Bytes(48, static_cast<std::byte>(i));
  out.nonce = to_bytes("nonce");
  return out;
}

TrustRoots simulated_roots() { return {.named = {}, .nitro = {signer().root_der()}}; }

const Check& find(const std::vector<Check>& checks, std::string_view id) {
  for (const Check& check : checks) {
    if (check.id == id) return check;
  }
  FAIL("there is no check " << id);
  return checks.front();
}

bool says(const Check& check, std::string_view what) { return check.detail.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a document of the signer is good under its root, and simulated") {
  const Bytes document = *signer().sign(sample(), now);
  const NitroVerification result = verify_nitro(document, simulated_roots(), now);
  for (const Check& check : result.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  CHECK(result.good());
  CHECK(result.simulated);
  CHECK(result.root_name == "SIMULATED aws.nitro-enclaves");
  REQUIRE(result.document);
  CHECK(result.document->nonce == to_bytes("nonce"));
  const Verdict verdict = appraise_nitro(result);
  CHECK(verdict.outcome == Outcome::trusted);
  CHECK(verdict.simulated);
  CHECK(verdict.find("nitro.kind")->result == CheckResult::pass);
}

TEST_CASE("a root that nobody named is refused, and a named root does not stand for another") {
  const Bytes document = *signer().sign(sample(), now);
  const NitroVerification alone = verify_nitro(document, {}, now);
  CHECK(find(alone.checks, "nitro.signature").result == CheckResult::pass);
  CHECK(find(alone.checks, "nitro.chain").result == CheckResult::fail);
  CHECK(says(find(alone.checks, "nitro.chain"), "neither AWS's nor one that you named"));
  const sim::NitroSigner other = *sim::NitroSigner::mint({});
  CHECK_FALSE(verify_nitro(document, {{other.root_der()}}, now).good());
}

TEST_CASE("a document is good only while its certificates are valid") {
  const Bytes document = *signer().sign(sample(), now);
  CHECK(verify_nitro(document, simulated_roots(), now + 3 * 3600).good());
  const NitroVerification late = verify_nitro(document, simulated_roots(), now + 3 * 3600 + 1);
  CHECK(says(find(late.checks, "nitro.chain"), "has expired"));
  const NitroVerification early = verify_nitro(document, simulated_roots(), now - 2);
  CHECK(says(find(early.checks, "nitro.chain"), "not yet valid"));
}

TEST_CASE("each defect of chain or signature is found and named") {
  using Defects = sim::NitroSignerOptions::Defects;
  const struct {
    std::function<void(Defects&)> spoil;
    const char* check;
    const char* says;
  } cases[] = {
      {[](Defects& d) { d.zonal_is_no_ca = true; }, "nitro.chain", "no CA"},
      {[](Defects& d) { d.zonal_signed_by_root_key = true; }, "nitro.chain", "is not signed by"},
      {[](Defects& d) { d.zonal_expired = true; }, "nitro.chain", "has expired"},
      {[](Defects& d) { d.zonal_allows_no_ca = true; }, "nitro.chain", "allows 0 CAs below it"},
      {[](Defects& d) { d.zonal_sha256 = true; }, "nitro.chain", "ECDSA with SHA-384"},
      {[](Defects& d) { d.leaf_is_ca = true; }, "nitro.chain", "is a CA"},
      {[](Defects& d) { d.leaf_may_not_sign = true; }, "nitro.chain", "may not sign"},
      {[](Defects& d) { d.unknown_critical_extension = true; }, "nitro.chain", "critical extension"},
      {[](Defects& d) { d.leaf_on_p256 = true; }, "nitro.signature", "P-384"},
      {[](Defects& d) { d.algorithm = -7; }, "nitro.signature", "ES384"},
      {[](Defects& d) { d.signed_by_another_key = true; }, "nitro.signature", "is not signed by the key"},
  };
  for (const auto& one : cases) {
    sim::NitroSignerOptions options;
    one.spoil(options.defects);
    const sim::NitroSigner spoilt = *signer().reissue(options);
    const NitroVerification result = verify_nitro(*spoilt.sign(sample(), now), simulated_roots(), now);
    const Check& check = find(result.checks, one.check);
    INFO(one.check << " " << one.says << ": " << check.detail);
    CHECK_FALSE(result.good());
    CHECK(check.result == CheckResult::fail);
    CHECK(says(check, one.says));
    CHECK(appraise_nitro(result).outcome == Outcome::refused);
  }
}

TEST_CASE("a bit flipped anywhere in a document makes it worthless") {
  const Bytes document = *signer().sign(sample(), now);
  for (std::size_t i = 0; i < document.size(); ++i) {
    Bytes flipped = document;
    flipped[i] ^= std::byte{0x10};
    INFO("byte " << i);
    // Every byte is signed, or is the signature, or CBOR around them.
    CHECK_FALSE(verify_nitro(flipped, simulated_roots(), now).good());
  }
}

TEST_CASE("unprotected headers may change, as COSE says, and nothing else may") {
  const CoseSign1 message = *parse_cose_sign1(*signer().sign(sample(), now));
  CHECK(verify_nitro(encode_cose_sign1(message), simulated_roots(), now).good());
  CoseSign1 other = message;
  other.protected_header = *from_hex("a20138220400");
  CHECK_FALSE(verify_nitro(encode_cose_sign1(other), simulated_roots(), now).good());
  other = message;
  other.signature.resize(95);
  CHECK_FALSE(verify_nitro(encode_cose_sign1(other), simulated_roots(), now).good());
  other.signature.assign(96, std::byte{0});
  CHECK_FALSE(verify_nitro(encode_cose_sign1(other), simulated_roots(), now).good());
}

TEST_CASE("an enclave's document never passes for a NitroTPM's") {
  NitroDocument document = sample();
  document.kind = NitroKind::enclave;
  const NitroVerification result = verify_nitro(*signer().sign(document, now), simulated_roots(), now);
  CHECK(result.good());
  const Verdict verdict = appraise_nitro(result);
  REQUIRE(verdict.find("nitro.kind") != nullptr);
  CHECK(verdict.find("nitro.kind")->result == CheckResult::skipped);
  CHECK(verdict.claims_json.find("\"kind\":\"enclave\"") != std::string::npos);
  CHECK(verdict.claims_json.find("nitrotpm_pcrs") == std::string::npos);
}

TEST_CASE("the genuine document is good at its time under AWS's pinned root") {
  const auto document = test::vector_file("nitro/document.bin");
  if (!document) return;
  const std::int64_t then = 1616018515;
  const NitroVerification result = verify_nitro(*document, {}, then);
  for (const Check& check : result.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  CHECK(result.good());
  CHECK_FALSE(result.simulated);
  CHECK(result.root_name == "aws.nitro-enclaves");

  const auto roots = load_trust_roots(test::vectors_folder() + "/nitro/root.pem");
  REQUIRE(roots);
  const NitroVerification named = verify_nitro(*document, {.named = {}, .nitro = *roots}, then, NitroTrust::named_only);
  CHECK(named.good());
  CHECK_FALSE(named.simulated);
  CHECK_FALSE(verify_nitro(*document, simulated_roots(), then, NitroTrust::named_only).good());

  for (const std::int64_t outside : {then - 86400, then + 86400, now}) {
    const NitroVerification stale = verify_nitro(*document, {}, outside);
    CHECK(find(stale.checks, "nitro.signature").result == CheckResult::pass);
    CHECK(find(stale.checks, "nitro.chain").result == CheckResult::fail);
    CHECK(says(find(stale.checks, "nitro.chain"), "valid"));
  }
}

TEST_CASE("a bit flipped anywhere in the genuine document is found") {
  const auto document = test::vector_file("nitro/document.bin");
  if (!document) return;
  for (std::size_t i = 0; i < document->size(); ++i) {
    Bytes flipped = *document;
    flipped[i] ^= std::byte{0x01};
    INFO("byte " << i);
    CHECK_FALSE(verify_nitro(flipped, {}, 1616018515).good());
  }
}
