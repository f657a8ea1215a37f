#include "base/encoding.h"
#include "base/file.h"
#include "evidence/tpm_attest.h"
#include "hwio/tpm.h"
#include "tests/catch.h"
#include "tests/hwio/swtpm.h"
#include "verifier/credential.h"

namespace attestd::hwio {
namespace {

using test::Swtpm;

const Bytes secret(32, std::byte{0x5e});

TEST_CASE("the endorsement key is that of the TCG's template L-1") {
  const Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const auto area = tpm->endorsement_key();
  REQUIRE(area);
  // TPMT_PUBLIC: RSA, SHA-256, the template's attributes, PolicyA, AES-128-CFB, 2048 bits.
  CHECK(to_hex(ByteView(*area).first(10)) == "0001000b000300b20020");
  const auto key = parse_tpm_public(*area);
  REQUIRE(key);
  CHECK(key->rsa_bits == 2048);
  // tpm2-tools make the same key of the same template.
  REQUIRE(swtpm.tool("tpm2_createek -G rsa -c ek.ctx -u ek.pub"));
  const auto made = read_file(swtpm.folder().file("ek.pub"), 4096);
  REQUIRE(made);
  CHECK(parse_tpm_public(*made)->name == key->name);
}

TEST_CASE("a credential is activated by the TPM that has both keys") {
  const Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const auto ek = parse_tpm_public(tpm->endorsement_key().value()).value();
  const Bytes ak_name = tpm->attestation_key()->name;
  const auto credential = make_credential(ek, ak_name, secret);
  REQUIRE(credential);
  CHECK(tpm->activate_credential(credential->blob, credential->encrypted_secret) == secret);
  // And again: nothing is left behind that would fill a TPM with three places.
  for (int i = 0; i < 4; ++i) {
    CHECK(tpm->activate_credential(credential->blob, credential->encrypted_secret) == secret);
    CHECK(tpm->quote(secret));
  }
}

TEST_CASE("a credential for another key, another TPM, or with a flipped bit is not activated") {
  const Swtpm swtpm;
  const Swtpm other;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const auto ek = parse_tpm_public(tpm->endorsement_key().value()).value();
  const Bytes ak_name = tpm->attestation_key()->name;
  const auto good = make_credential(ek, ak_name, secret).value();
  const auto refused = [&](Tpm& by, const Credential& credential) {
    const auto got = by.activate_credential(credential.blob, credential.encrypted_secret);
    return !got && got.error().code == Errc::refused;
  };
  Bytes other_name = ak_name;
  other_name.back() ^= std::byte{1};
  CHECK(refused(*tpm, make_credential(ek, other_name, secret).value()));
  const auto other_tpm = Tpm::make({.tcti = other.tcti()});
  CHECK(refused(*other_tpm, good));
  Credential flipped = good;
  flipped.blob.back() ^= std::byte{1};
  CHECK(refused(*tpm, flipped));
  flipped = good;
  flipped.encrypted_secret[100] ^= std::byte{1};
  CHECK(refused(*tpm, flipped));
  CHECK(tpm->activate_credential({}, {}).error().code == Errc::out_of_range);
  CHECK(tpm->activate_credential(Bytes(4096), good.encrypted_secret).error().code == Errc::out_of_range);
  CHECK(tpm->activate_credential(good.blob, good.encrypted_secret) == secret);
}

TEST_CASE("quotes come from the key that the platform's template in NV makes") {
  const Swtpm swtpm;
  constexpr std::uint32_t template_index = 0x01c10001;
  constexpr std::uint32_t certificate_index = 0x01c10000;
  // RSA-2048, RSASSA with SHA-256, fixedTPM, fixedParent, sensitiveDataOrigin,
  // userWithAuth, restricted, sign: the shape of Google's.
  const Bytes area = Writer()
                         .be16(0x0001)
                         .be16(0x000b)
                         .be32(0x00050072)
                         .be16(0)
                         .be16(0x0010)
                         .be16(0x0014)
                         .be16(0x000b)
                         .be16(2048)
                         .be32(0)
                         .be16(256)
                         .zeros(256)
                         .take();
  {
    const auto provisioning = Tpm::make({.tcti = swtpm.tcti()});
    REQUIRE(provisioning->nv_write(template_index, area));
    REQUIRE(provisioning->nv_write(certificate_index, as_bytes("a certificate")));
  }
  const auto tpm =
      Tpm::make({.tcti = swtpm.tcti(), .ak_template_nv = template_index, .ak_certificate_nv = certificate_index});
  const auto key = tpm->attestation_key();
  REQUIRE(key);
  CHECK(as_text(key->certificate) == "a certificate");
  const auto parsed = parse_tpm_public(key->public_area);
  REQUIRE(parsed);
  CHECK(parsed->type == TpmPublic::Type::rsa);
  CHECK(parsed->name == key->name);
  const auto quote = tpm->quote(secret);
  REQUIRE(quote);
  CHECK(quote->key.name == key->name);
  CHECK(parse_tpm_signature(quote->signature)->scheme == TpmSignature::Scheme::rsassa);
  // The same TPM makes the same key again.
  const auto again = Tpm::make({.tcti = swtpm.tcti(), .ak_template_nv = template_index});
  CHECK(again->attestation_key()->name == key->name);
  const auto credential =
      make_credential(parse_tpm_public(tpm->endorsement_key().value()).value(), key->name, secret).value();
  CHECK(tpm->activate_credential(credential.blob, credential.encrypted_secret) == secret);
}

TEST_CASE("a template that is missing or is none makes no key") {
  const Swtpm swtpm;
  const auto missing = Tpm::make({.tcti = swtpm.tcti(), .ak_template_nv = 0x01c10001});
  CHECK(missing->attestation_key().error().code == Errc::not_found);
  {
    const auto provisioning = Tpm::make({.tcti = swtpm.tcti()});
    REQUIRE(provisioning->nv_write(0x01c10001, as_bytes("no template")));
  }
  const auto broken = Tpm::make({.tcti = swtpm.tcti(), .ak_template_nv = 0x01c10001});
  CHECK(broken->attestation_key().error().code == Errc::malformed);
}

}  // namespace
}  // namespace attestd::hwio
