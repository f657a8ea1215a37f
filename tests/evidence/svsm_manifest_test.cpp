#include "evidence/svsm_manifest.h"

#include "base/encoding.h"
#include "evidence/digest.h"
#include "tests/catch.h"

namespace attestd {
namespace {

// An RSA-2048 storage key of the template L-1, or with other attributes.
Bytes public_area(std::uint32_t attributes) {
  Writer out;
  out.be16(0x0001).be16(0x000b).be32(attributes).be16(0);
  out.be16(0x0006).be16(128).be16(0x0043).be16(0x0010).be16(2048).be32(0);
  return out.be16(256).raw(Bytes(256, std::byte{0xa5})).take();
}

constexpr std::uint32_t endorsement_attributes = 0x000300b2;

const Guid other_service = "01234567-89ab-cdef-0123-456789abcdef";

TEST_CASE("a services manifest is a table of GUIDs in UEFI's order") {
  const Bytes manifest = encode_svsm_services({{Guid(svsm_vtpm_guid), to_bytes("key")}, {other_service, {}}});
  CHECK(to_hex(manifest) ==
        "bb9e8463923d7046a1ff58f9c94b87bb4b00000002000000"
        "ebf176c42301a5459641b4e7dde5bfe34800000003000000"
        "67452301ab89efcd0123456789abcdef4b00000000000000"
        "6b6579");
}

TEST_CASE("what was encoded is read back") {
  const auto read =
      parse_svsm_services(encode_svsm_services({{Guid(svsm_vtpm_guid), to_bytes("key")}, {other_service, {}}}));
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK(read->at(0).guid == svsm_vtpm_guid);
  CHECK(as_text(read->at(0).manifest) == "key");
  CHECK(read->at(1).guid == other_service);
  CHECK(read->at(1).manifest.empty());
  CHECK(parse_svsm_services(encode_svsm_services({}))->empty());
}

struct Broken {
  const char* what;
  std::size_t at;
  std::uint8_t value;
  Errc code;
};

TEST_CASE("a services manifest that does not add up is refused") {
  const Bytes good = encode_svsm_services({{Guid(svsm_vtpm_guid), to_bytes("key")}, {other_service, to_bytes("b")}});
  const Broken table[] = {
      {"another GUID", 0, 0, Errc::malformed},
      {"a larger size than there are bytes", 16, 0xff, Errc::malformed},
      {"a smaller size than there are bytes", 16, 0x4b, Errc::malformed},
      {"more services than fit", 20, 30, Errc::truncated},
      {"too many services", 20, 65, Errc::out_of_range},
      {"contents in the table", 24 + 16, 0x47, Errc::malformed},
      {"contents behind the end", 24 + 16, 0x4a, Errc::malformed},
      {"contents larger than the manifest", 24 + 20, 0xff, Errc::malformed},
      {"contents that overlap", 48 + 20, 4, Errc::malformed},
  };
  REQUIRE(parse_svsm_services(good));
  for (const Broken& broken : table) {
    INFO(broken.what);
    Bytes bytes = good;
    bytes[broken.at] = std::byte{broken.value};
    const auto read = parse_svsm_services(bytes);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == broken.code);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(parse_svsm_services(ByteView(good).first(size)));
  }
  CHECK_FALSE(parse_svsm_services(encode_svsm_services({{other_service, {}}, {other_service, {}}})));
  CHECK_FALSE(parse_svsm_services(Bytes(svsm_manifest_limit + 1)));
}

TEST_CASE("the vTPM's endorsement key is the manifest, or its entry in the table") {
  const Bytes area = public_area(endorsement_attributes);
  for (const Bytes& manifest :
       {area, encode_svsm_services({{other_service, to_bytes("x")}, {Guid(svsm_vtpm_guid), area}})}) {
    const auto key = svsm_endorsement_key(manifest);
    REQUIRE(key);
    CHECK(key->rsa_modulus == Bytes(256, std::byte{0xa5}));
    CHECK(svsm_endorsement_area(manifest) == area);
  }
}

TEST_CASE("a manifest without a usable endorsement key has none") {
  CHECK(svsm_endorsement_key(encode_svsm_services({{other_service, {}}})).error().code == Errc::not_found);
  CHECK(svsm_endorsement_key(encode_svsm_services({{Guid(svsm_vtpm_guid), {}}})).error().code == Errc::not_found);
  CHECK_FALSE(svsm_endorsement_key({}));
  CHECK_FALSE(svsm_endorsement_key(to_bytes("no key")));
  // Each attribute counts: not fixed to its TPM, not fixed to its parent, not
  // restricted, no decryption, or a key that signs as well.
  for (const std::uint32_t attributes : {0x000300b0U, 0x000300a2U, 0x000200b2U, 0x000100b2U, 0x000700b2U}) {
    INFO(attributes);
    CHECK(svsm_endorsement_key(public_area(attributes)).error().code == Errc::refused);
  }
}

TEST_CASE("a report of the SVSM carries the hash of nonce and manifest") {
  FixedBytes<64> nonce{};
  nonce.fill(std::byte{'n'});
  const FixedBytes<64> data = svsm_report_data(nonce, to_bytes("manifest"));
  CHECK(to_bytes(data) == digest(HashAlgorithm::sha512, {to_bytes(std::string(64, 'n') + "manifest")}));
}

}  // namespace
}  // namespace attestd
