#include "evidence/tpm_attest.h"

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;
using test::vector_file;

namespace {

// A quote of ours: PCR 0 and 10 of sha256, PCR 23 of sha1.
Bytes sample_quote() {
  return Writer()
      .be32(tpm_generated_value)
      .be16(tpm_st_attest_quote)
      .be16(2)
      .raw(as_bytes("ak"))
      .be16(5)
      .raw(as_bytes("nonce"))
      .be64(1000)
      .be32(7)
      .be32(3)
      .u8(1)
      .be64(0x0102030405060708)
      .be32(2)
      .be16(0x000b)
      .u8(3)
      .u8(0x01)
      .u8(0x04)
      .u8(0x00)
      .be16(0x0004)
      .u8(3)
      .u8(0)
      .u8(0)
      .u8(0x80)
      .be16(32)
      .zeros(32)
      .take();
}

Bytes sample_ecc_public(std::uint32_t attributes) {
  return Writer()
      .be16(0x0023)
      .be16(0x000b)
      .be32(attributes)
      .be16(0)
      .be16(0x0010)
      .be16(0x0018)
      .be16(0x000b)
      .be16(3)
      .be16(0x0010)
      .be16(2)
      .raw(as_bytes("xx"))
      .be16(2)
      .raw(as_bytes("yy"))
      .take();
}

}  // namespace

TEST_CASE("a quote's fields are read as part 2 lays them out") {
  const auto quote = parse_tpm_quote(sample_quote());
  REQUIRE(quote);
  CHECK(as_text(quote->qualified_signer) == "ak");
  CHECK(as_text(quote->extra_data) == "nonce");
  CHECK(quote->clock_ms == 1000);
  CHECK(quote->reset_count == 7);
  CHECK(quote->restart_count == 3);
  CHECK(quote->clock_safe);
  CHECK(quote->firmware_version == 0x0102030405060708);
  CHECK(quote->selection == std::vector<PcrSelection>{{HashAlgorithm::sha256, {0, 10}}, {HashAlgorithm::sha1, {23}}});
  CHECK(quote->pcr_digest == Bytes(32));
}

TEST_CASE("a quote cut anywhere or with a byte too many is refused") {
  Bytes bytes = sample_quote();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    CHECK_FALSE(parse_tpm_quote(ByteView(bytes).first(size)));
  }
  bytes.push_back(std::byte{0});
  CHECK(parse_tpm_quote(bytes).error().code == Errc::malformed);
}

TEST_CASE("what is no quote is refused, each with its reason") {
  struct Case {
    const char* what;
    std::size_t at;
    unsigned char value;
    Errc code;
  };
  const std::vector<Case> cases{
      {"magic", 0, 0xfe, Errc::malformed},
      {"type: certify", 5, 0x17, Errc::unsupported},
      {"extra data of 256 bytes and more", 10, 0x01, Errc::out_of_range},
      {"clock safe of 2", 33, 2, Errc::malformed},
      {"bank of unknown algorithm", 47, 0x77, Errc::unsupported},
      {"selection of 32 PCRs", 48, 4, Errc::out_of_range},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    Bytes bytes = sample_quote();
    bytes[each.at] = static_cast<std::byte>(each.value);
    const auto quote = parse_tpm_quote(bytes);
    REQUIRE_FALSE(quote);
    CHECK(quote.error().code == each.code);
  }
}

TEST_CASE("signatures of the three schemes are read, others refused") {
  const auto rsa = parse_tpm_signature(Writer().be16(0x0016).be16(0x000b).be16(3).raw(as_bytes("abc")).take());
  REQUIRE(rsa);
  CHECK(rsa->scheme == TpmSignature::Scheme::rsapss);
  CHECK(as_text(rsa->rsa) == "abc");
  const Bytes bytes = Writer().be16(0x0018).be16(0x000c).be16(1).raw(as_bytes("r")).be16(1).raw(as_bytes("s")).take();
  const auto ecdsa = parse_tpm_signature(bytes);
  REQUIRE(ecdsa);
  CHECK(ecdsa->hash == HashAlgorithm::sha384);
  CHECK(as_text(ecdsa->r) == "r");
  CHECK(as_text(ecdsa->s) == "s");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(parse_tpm_signature(ByteView(bytes).first(size)));
  }
  CHECK(parse_tpm_signature(Writer().be16(0x001a).be16(0x000b).zeros(8).take()).error().code == Errc::unsupported);
  CHECK(parse_tpm_signature(Writer().raw(bytes).u8(0).take()).error().code == Errc::malformed);
}

TEST_CASE("only a restricted signing key fixed to its TPM is an attestation key") {
  constexpr std::uint32_t good = TpmPublic::restricted | TpmPublic::sign | TpmPublic::fixed_tpm;
  const std::vector<std::pair<std::uint32_t, bool>> cases{
      {good, true},
      {good | TpmPublic::fixed_parent | TpmPublic::sensitive_data_origin, true},
      {good & ~TpmPublic::restricted, false},
      {good & ~TpmPublic::sign, false},
      {good & ~TpmPublic::fixed_tpm, false},
      {good | TpmPublic::decrypt, false},
      {0, false},
  };
  for (const auto& [attributes, expected] : cases) {
    INFO(attributes);
    const auto key = parse_tpm_public(sample_ecc_public(attributes));
    REQUIRE(key);
    CHECK(key->attestation_key() == expected);
  }
}

TEST_CASE("a public area has the same name with and without its size") {
  const Bytes area = sample_ecc_public(TpmPublic::sign);
  const Bytes sized = Writer().be16(static_cast<std::uint16_t>(area.size())).raw(area).take();
  const auto bare = parse_tpm_public(area);
  const auto wrapped = parse_tpm_public(sized);
  REQUIRE(bare);
  REQUIRE(wrapped);
  CHECK(bare->name == wrapped->name);
  CHECK(to_hex(bare->name) == "000b" + to_hex(digest(HashAlgorithm::sha256, {area})));
  CHECK(as_text(bare->x) == "xx");
  CHECK(as_text(bare->y) == "yy");
  CHECK(bare->scheme == 0x0018);
  for (std::size_t size = 0; size < area.size(); ++size) CHECK_FALSE(parse_tpm_public(ByteView(area).first(size)));
}

TEST_CASE("tpm2-tools' PCR file survives writing and reading") {
  PcrValues values;
  for (unsigned index = 0; index < 24; ++index) {
    values[HashAlgorithm::sha1][index] = Bytes(20, static_cast<std::byte>(index));
    values[HashAlgorithm::sha256][index] = Bytes(32, static_cast<std::byte>(index));
  }
  std::vector<unsigned> all;
  for (unsigned index = 0; index < 24; ++index) all.push_back(index);
  const auto bytes = encode_tpm2_tools_pcrs({{HashAlgorithm::sha1, all}, {HashAlgorithm::sha256, all}}, values);
  REQUIRE(bytes);
  CHECK(bytes->size() == 132 + 4 + 6 * 532);
  REQUIRE(parse_tpm2_tools_pcrs(*bytes));
  CHECK(*parse_tpm2_tools_pcrs(*bytes) == values);
  for (std::size_t size = 0; size < bytes->size(); size += 7) {
    CHECK_FALSE(parse_tpm2_tools_pcrs(ByteView(*bytes).first(size)));
  }
  CHECK_FALSE(parse_tpm2_tools_pcrs(Writer().raw(*bytes).u8(0).take()));
  CHECK(encode_tpm2_tools_pcrs({{HashAlgorithm::sha384, {0}}}, values).error().code == Errc::not_found);
}

TEST_CASE("a genuine quote, signature, key and PCR file are read") {
  const auto quote_bytes = vector_file("tpm/quote/quote.out");
  const auto signature_bytes = vector_file("tpm/quote/quotesig.out");
  const auto key_bytes = vector_file("tpm/quote/ak.pub");
  const auto pcr_bytes = vector_file("tpm/quote/quotepcr.out");
  if (!quote_bytes || !signature_bytes || !key_bytes || !pcr_bytes) return;
  const auto quote = parse_tpm_quote(*quote_bytes);
  REQUIRE(quote);
  CHECK(quote->selection == std::vector<PcrSelection>{{HashAlgorithm::sha256, {15, 16, 22}}});
  const auto signature = parse_tpm_signature(*signature_bytes);
  REQUIRE(signature);
  CHECK(signature->scheme == TpmSignature::Scheme::rsassa);
  CHECK(signature->rsa.size() == 256);
  const auto key = parse_tpm_public(*key_bytes);
  REQUIRE(key);
  CHECK(key->type == TpmPublic::Type::rsa);
  CHECK(key->rsa_bits == 2048);
  CHECK(key->attestation_key());
  const auto pcrs = parse_tpm2_tools_pcrs(*pcr_bytes);
  REQUIRE(pcrs);
  CHECK(*pcr_composite(HashAlgorithm::sha256, quote->selection, *pcrs) == quote->pcr_digest);
  // The writer gives the very bytes that tpm2-tools wrote.
  CHECK(*encode_tpm2_tools_pcrs(quote->selection, *pcrs) == *pcr_bytes);
}
