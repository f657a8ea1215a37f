#include "evidence/snp_certificates.h"

#include "base/encoding.h"
#include "tests/catch.h"

using namespace attestd;

namespace {

Bytes entry(std::string_view guid_hex, std::uint32_t offset, std::uint32_t length) {
  return Writer().raw(*from_hex(guid_hex)).le32(offset).le32(length).take();
}
Bytes table(std::initializer_list<Bytes> entries, std::string_view data) {
  Writer out;
  for (const Bytes& e : entries) out.raw(e);
  return out.zeros(24).raw(as_bytes(data)).take();
}
constexpr std::string_view vcek = "63da758de6644564adc5f4b93be8accd";

}  // namespace

TEST_CASE("a certificate table survives encoding and parsing") {
  const std::vector<SnpCertificate> certificates{{Guid(snp_guid_vcek), to_bytes("leaf")},
                                                 {Guid(snp_guid_ask), to_bytes("issuer")},
                                                 {"00112233-4455-6677-8899-aabbccddeeff", to_bytes("other")}};
  const auto parsed = parse_snp_certificate_table(encode_snp_certificate_table(certificates));
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK((*parsed)[i].guid == certificates[i].guid);
    CHECK((*parsed)[i].data == certificates[i].data);
  }
}

TEST_CASE("a GUID is known in RFC 4122 order and in UEFI's") {
  for (const std::string_view hex : {vcek, std::string_view("8d75da6364e66445adc5f4b93be8accd")}) {
    const auto parsed = parse_snp_certificate_table(table({entry(hex, 48, 4)}, "leaf"));
    REQUIRE(parsed);
    CHECK(parsed->front().guid == snp_guid_vcek);
    CHECK(as_text(parsed->front().data) == "leaf");
  }
}

TEST_CASE("padding after the certificates and an empty table are fine") {
  CHECK(parse_snp_certificate_table({})->empty());
  CHECK(parse_snp_certificate_table(Bytes(4096))->empty());
  CHECK(parse_snp_certificate_table(table({entry(vcek, 48, 4)}, "leaf and padding"))->size() == 1);
}

TEST_CASE("a hostile certificate table is refused") {
  CHECK(parse_snp_certificate_table(entry(vcek, 24, 0)).error().code == Errc::truncated);
  CHECK(parse_snp_certificate_table(table({entry(vcek, 47, 4)}, "leaf")).error().code == Errc::malformed);
  CHECK(parse_snp_certificate_table(table({entry(vcek, 48, 5)}, "leaf")).error().code == Errc::malformed);
  CHECK(parse_snp_certificate_table(table({entry(vcek, 0xffffffff, 0xffffffff)}, "leaf")).error().code ==
        Errc::malformed);
  const std::string zero(32, '0');
  CHECK(parse_snp_certificate_table(table({entry(zero, 48, 4)}, "leaf")).error().code == Errc::malformed);
  // Entries that share bytes, to multiply what we keep.
  CHECK(parse_snp_certificate_table(
            table({entry(vcek, 96, 64), entry(vcek, 96, 64), entry(vcek, 96, 64)}, std::string(64, 'x')))
            .error()
            .code == Errc::malformed);
  Writer many;
  for (int i = 0; i < 65; ++i) many.raw(entry(vcek, 66 * 24, 0));
  CHECK(parse_snp_certificate_table(many.zeros(24).bytes()).error().code == Errc::out_of_range);
}
