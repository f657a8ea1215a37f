#include "agent/nitro_document.h"

#include "sim/signer/nitro_signer.h"
#include "tests/catch.h"

using namespace attestd;

namespace {

NitroDocument sample(const MerkleHash& root) {
  NitroDocument out;
  for (unsigned i = 0; i < 24; ++i) out.pcrs[i] = Bytes(48, static_cast<std::byte>(i));
  out.nonce = to_bytes(root);
  return out;
}

}  // namespace

TEST_CASE("a document that is not of the moment or the root that was asked for is not sent on") {
  const sim::NitroSigner signer = *sim::NitroSigner::mint({});
  MerkleHash root{};
  root.fill(std::byte{3});
  const PcrValues quoted{{HashAlgorithm::sha384, {{4, Bytes(48, std::byte{4})}}}};
  const auto check = [&](const NitroDocument& document, const PcrValues& pcrs) {
    return agent::check_nitro_document(*signer.sign(document, 1764000000), root, pcrs);
  };
  CHECK(check(sample(root), quoted));
  // Another bank is the verifier's to judge.
  CHECK(check(sample(root), {{HashAlgorithm::sha256, {{4, Bytes(32)}}}}));

  NitroDocument other = sample(root);
  other.kind = NitroKind::enclave;
  CHECK(check(other, quoted).error().code == Errc::mismatch);
  other = sample(root);
  other.nonce.reset();
  CHECK(check(other, quoted).error().code == Errc::mismatch);
  other.nonce = Bytes(64, std::byte{4});
  CHECK(check(other, quoted).error().code == Errc::mismatch);
  other = sample(root);
  other.pcrs[4] = Bytes(48, std::byte{5});
  CHECK(check(other, quoted).error().code == Errc::changed);
  CHECK_FALSE(agent::check_nitro_document(to_bytes("no document"), root, quoted));
}

TEST_CASE("a TPM that nobody runs is unavailable") {
  const auto document = agent::request_nitro_document("swtpm:path=/nonexistent/sock", {});
  REQUIRE_FALSE(document);
  CHECK(document.error().code == Errc::unavailable);
}
