#include "evidence/snp_report.h"

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

// Every field has a value of its own, so that none can be taken for another.
SnpReport sample(std::uint32_t version) {
  SnpReport out;
  std::uint8_t next = 1;
  const auto fill = [&next](auto& field) { field.fill(std::byte{next++}); };
  out.version = version;
  out.guest_svn = 0x11223344;
  out.policy.raw = 0x30000;
  fill(out.family_id);
  fill(out.image_id);
  out.vmpl = 2;
  out.signature_algorithm = 1;
  out.current_tcb = 0x0102030405060708;
  out.platform_info = 0xffffffffffffffff;
  out.key_flags = 4;
  fill(out.report_data);
  fill(out.measurement);
  fill(out.host_data);
  fill(out.id_key_digest);
  fill(out.author_key_digest);
  fill(out.report_id);
  fill(out.report_id_ma);
  out.reported_tcb = 0x1112131415161718;
  if (version >= 3) {
    out.cpuid_family = 0x19;
    out.cpuid_model = 0x11;
    out.cpuid_stepping = 3;
  }
  fill(out.chip_id);
  out.committed_tcb = 0x2122232425262728;
  out.current_firmware = {1, 2, 3};
  out.committed_firmware = {4, 5, 6};
  out.launch_tcb = 0x3132333435363738;
  if (version >= 5) {
    out.launch_mitigations = 0x41;
    out.current_mitigations = 0x43;
  }
  std::fill_n(out.signature_r.begin(), 48, std::byte{0x55});
  std::fill_n(out.signature_s.begin(), 48, std::byte{0x66});
  return out;
}

}  // namespace

TEST_CASE("a report of each version survives encoding and parsing") {
  for (std::uint32_t version = 2; version <= 5; ++version) {
    CAPTURE(version);
    const Bytes encoded = encode_snp_report(sample(version));
    REQUIRE(encoded.size() == snp_report_size);
    const auto parsed = parse_snp_report(encoded);
    REQUIRE(parsed);
    CHECK(encode_snp_report(*parsed) == encoded);
    CHECK(parsed->current_tcb == 0x0102030405060708);
    CHECK(parsed->signing_key() == SnpSigningKey::vlek);
    CHECK(parsed->product() == (version == 2 ? std::nullopt : std::optional(SnpProduct::genoa)));
    CHECK(parsed->current_mitigations == (version == 5 ? 0x43U : 0U));
  }
}

TEST_CASE("fields stand at the offsets of 56860 table 23") {
  const Bytes encoded = encode_snp_report(sample(5));
  const struct {
    std::size_t offset;
    std::string_view hex;
  } fields[] = {{0x00, "05000000"},
                {0x04, "44332211"},
                {0x08, "0000030000000000"},
                {0x10, "01"},
                {0x20, "02"},
                {0x30, "02000000"},
                {0x34, "01000000"},
                {0x38, "0807060504030201"},
                {0x48, "04000000"},
                {0x50, "03"},
                {0x90, "04"},
                {0xc0, "05"},
                {0xe0, "06"},
                {0x110, "07"},
                {0x140, "08"},
                {0x160, "09"},
                {0x180, "1817161514131211"},
                {0x188, "191103"},
                {0x1a0, "0a"},
                {0x1e0, "28"},
                {0x1e8, "010203"},
                {0x1ec, "040506"},
                {0x1f0, "38"},
                {0x1f8, "41"},
                {0x200, "43"},
                {0x2a0, "55"},
                {0x2e8, "66"}};
  for (const auto& field : fields) {
    CAPTURE(field.offset);
    CHECK(to_hex(ByteView(encoded).subspan(field.offset, field.hex.size() / 2)) == field.hex);
  }
}

TEST_CASE("bytes that must be zero are refused when they are not") {
  const struct {
    std::size_t offset;
    std::uint32_t version;
  } cases[] = {{0x4c, 2},  {0x49, 2},  {0x188, 2}, {0x18b, 3}, {0x19f, 5}, {0x1eb, 2}, {0x1ef, 2}, {0x1f8, 4},
               {0x208, 5}, {0x29f, 5}, {0x2d0, 2}, {0x2e7, 3}, {0x318, 4}, {0x330, 5}, {0x49f, 2}};
  for (const auto& c : cases) {
    CAPTURE(c.offset, c.version);
    Bytes bytes = encode_snp_report(sample(c.version));
    bytes[c.offset] = std::byte{0x80};
    const auto parsed = parse_snp_report(bytes);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::malformed);
    CHECK(parsed.error().offset);
  }
}

TEST_CASE("reports of another size or version are refused") {
  Bytes bytes = encode_snp_report(sample(2));
  CHECK(parse_snp_report({}).error().code == Errc::truncated);
  CHECK(parse_snp_report(ByteView(bytes).first(1183)).error().code == Errc::truncated);
  for (const unsigned char version : std::initializer_list<unsigned char>{0, 1, 6}) {
    bytes[0] = std::byte{version};
    CHECK(parse_snp_report(bytes).error().code == Errc::unsupported);
  }
  bytes.push_back(std::byte{0});
  CHECK(parse_snp_report(bytes).error().code == Errc::out_of_range);
}

TEST_CASE("TCB_VERSION has the layout of its product") {
  const std::uint64_t raw = 0x8877665544332211;
  const SnpTcb milan = decode_snp_tcb(raw, SnpProduct::milan);
  CHECK(milan == SnpTcb{std::nullopt, 0x11, 0x22, 0x77, 0x88});
  CHECK(decode_snp_tcb(raw, SnpProduct::genoa) == milan);
  const SnpTcb turin = decode_snp_tcb(raw, SnpProduct::turin);
  CHECK(turin == SnpTcb{0x11, 0x22, 0x33, 0x44, 0x88});
  CHECK(encode_snp_tcb(milan, SnpProduct::milan) == 0x8877000000002211);
  CHECK(encode_snp_tcb(turin, SnpProduct::turin) == 0x8800000044332211);
}

TEST_CASE("CPUID names the product line") {
  CHECK(snp_product_from_cpuid(0x19, 0x01) == SnpProduct::milan);
  CHECK(snp_product_from_cpuid(0x19, 0x11) == SnpProduct::genoa);
  CHECK(snp_product_from_cpuid(0x19, 0xa0) == SnpProduct::genoa);
  CHECK(snp_product_from_cpuid(0x1a, 0x02) == SnpProduct::turin);
  CHECK(snp_product_from_cpuid(0x1a, 0x11) == SnpProduct::turin);
  CHECK_FALSE(snp_product_from_cpuid(0x19, 0x21));
  CHECK_FALSE(snp_product_from_cpuid(0x17, 0x31));
}

TEST_CASE("genuine reports parse and encode to the same bytes") {
  const struct {
    const char* path;
    std::uint32_t version, vmpl;
    std::uint64_t policy;
    SnpSigningKey key;
  } cases[] = {{"snp/milan-vcek-v2/report.bin", 2, 0, 0xb0000, SnpSigningKey::vcek},
               {"snp/milan-vlek-v3/report.bin", 3, 1, 0x30000, SnpSigningKey::vlek},
               {"snp/milan-wrong-vcek/report.bin", 2, 0, 0x3001f, SnpSigningKey::vcek}};
  for (const auto& c : cases) {
    CAPTURE(c.path);
    const auto bytes = test::vector_file(c.path);
    if (!bytes) continue;
    const auto parsed = parse_snp_report(*bytes);
    REQUIRE(parsed);
    CHECK(parsed->version == c.version);
    CHECK(parsed->vmpl == c.vmpl);
    CHECK(parsed->policy.raw == c.policy);
    CHECK(parsed->signing_key() == c.key);
    CHECK(encode_snp_report(*parsed) == *bytes);
  }
}
