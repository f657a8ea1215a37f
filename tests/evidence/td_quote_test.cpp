#include "evidence/td_quote.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "evidence/td_json_internal.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

// Every field has a value of its own, so that none can be taken for another.
TdQuote sample(std::uint16_t version, TdBodyType type) {
  TdQuote out;
  std::uint8_t next = 1;
  const auto fill = [&next](auto& field) { field.fill(std::byte{next++}); };
  out.version = version;
  out.attestation_key_type = td_key_type_ecdsa_p256;
  out.tee_type = td_tee_type_tdx;
  fill(out.reserved);
  fill(out.qe_vendor_id);
  fill(out.user_data);
  out.body.type = type;
  fill(out.body.tee_tcb_svn);
  fill(out.body.mrseam);
  fill(out.body.mrsignerseam);
  out.body.seam_attributes = 0x0102030405060708;
  out.body.td_attributes.raw = 0x8000000010000000;
  out.body.xfam = 0x61ae7;
  fill(out.body.mrtd);
  fill(out.body.mrconfigid);
  fill(out.body.mrowner);
  fill(out.body.mrownerconfig);
  for (auto& rtmr : out.body.rtmrs) fill(rtmr);
  fill(out.body.report_data);
  if (type == TdBodyType::td_15) {
    fill(out.body.tee_tcb_svn_2);
    fill(out.body.mrservicetd);
  }
  fill(out.signature);
  fill(out.attestation_key);
  fill(out.qe_report);
  fill(out.qe_report_signature);
  out.qe_authentication_data.assign(32, std::byte{0xaa});
  out.pck_chain = to_bytes("-----BEGIN CERTIFICATE-----\n");
  return out;
}

struct Genuine {
  const char* path;
  std::uint16_t version;
  TdBodyType type;
  std::size_t trailing;
};
constexpr Genuine genuine[] = {
    {"tdx/v4-spr/quote.bin", 4, TdBodyType::td_10, 39},
    {"tdx/v5/quote.bin", 5, TdBodyType::td_15, 0},
    {"tdx/ccel-cos113/quote.bin", 4, TdBodyType::td_10, 3065},
    {"azure/tdx/td-quote.bin", 4, TdBodyType::td_10, 70},
};

void put_le32(Bytes& bytes, std::size_t offset, std::uint32_t value) {
  Writer writer;
  writer.le32(value);
  std::ranges::copy(writer.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

TEST_CASE("a TD quote of each layout survives encoding and parsing") {
  const std::pair<std::uint16_t, TdBodyType> layouts[] = {{std::uint16_t{4}, TdBodyType::td_10},
                                                          {std::uint16_t{5}, TdBodyType::td_10},
                                                          {std::uint16_t{5}, TdBodyType::td_15}};
  const std::size_t signed_sizes[] = {632, 638, 702};
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const TdQuote quote = sample(layouts[i].first, layouts[i].second);
    const Bytes encoded = encode_td_quote(quote);
    CHECK(td_quote_signed_size(quote) == signed_sizes[i]);
    const Bytes signed_part = encode_td_quote_signed_part(quote);
    REQUIRE(signed_part.size() == signed_sizes[i]);
    CHECK(std::equal(signed_part.begin(), signed_part.end(), encoded.begin()));
    const auto parsed = parse_td_quote(encoded);
    REQUIRE(parsed);
    CHECK(parsed->body.type == quote.body.type);
    CHECK(parsed->body.rtmrs == quote.body.rtmrs);
    CHECK(parsed->body.report_data == quote.body.report_data);
    CHECK(parsed->body.mrservicetd == quote.body.mrservicetd);
    CHECK(parsed->qe_authentication_data == quote.qe_authentication_data);
    CHECK(encode_td_quote(*parsed) == encoded);
  }
}

TEST_CASE("JSON says of a TD that it is under debug when any bit of that group is set") {
  for (const std::uint64_t raw : {0x01U, 0x80U, 0x0100U, 0U}) {
    CAPTURE(raw);
    TdQuoteBody body = sample(5, TdBodyType::td_15).body;
    body.td_attributes.raw = raw;
    const auto attributes = td_body_to_json(body).at("td_attributes").as_object();
    CHECK(attributes.at("debug").as_bool() == ((raw & 0xff) != 0));
    CHECK(attributes.at("raw").as_string() == hex_number(raw));
  }
}

TEST_CASE("JSON has what only a TD 1.5 body has for such a body alone") {
  CHECK(td_body_to_json(sample(5, TdBodyType::td_15).body).contains("mrservicetd"));
  CHECK_FALSE(td_body_to_json(sample(5, TdBodyType::td_10).body).contains("mrservicetd"));
  CHECK(td_body_to_json(sample(4, TdBodyType::td_10).body).at("xfam").as_string() == "0x0000000000061ae7");
}

TEST_CASE("genuine TD quotes parse to their last byte, and encode to themselves") {
  for (const auto& entry : genuine) {
    CAPTURE(entry.path);
    const auto bytes = test::vector_file(entry.path);
    if (!bytes) return;
    const auto quote = parse_td_quote(*bytes);
    if (!quote) FAIL(quote.error().text());
    CHECK(quote->version == entry.version);
    CHECK(quote->body.type == entry.type);
    CHECK(quote->trailing.size() == entry.trailing);
    CHECK_FALSE(quote->body.td_attributes.under_debug_group());
    CHECK(std::ranges::equal(quote->qe_vendor_id, std::as_bytes(std::span(intel_qe_vendor_id))));
    CHECK(as_text(quote->pck_chain).starts_with("-----BEGIN CERTIFICATE-----"));
    CHECK(encode_td_quote(*quote) == *bytes);
  }
}

TEST_CASE("a genuine QE report names the attestation key where the parser finds it") {
  for (const auto& entry : genuine) {
    CAPTURE(entry.path);
    const auto bytes = test::vector_file(entry.path);
    if (!bytes) return;
    const auto quote = parse_td_quote(*bytes);
    REQUIRE(quote);
    Bytes named = to_bytes(quote->attestation_key);
    named.insert(named.end(), quote->qe_authentication_data.begin(), quote->qe_authentication_data.end());
    FixedBytes<32> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(named.data()), named.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    const auto report = parse_sgx_report_body(quote->qe_report);
    REQUIRE(report);
    CHECK(std::ranges::equal(ByteView(report->report_data).first(32), digest));
    CHECK(all_zero(ByteView(report->report_data).subspan(32)));
    // Intel's TD quoting enclave: product 2, signed by Intel (its QE identity says so).
    CHECK(report->isvprodid == 2);
    CHECK(to_hex(report->mrsigner) == "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5");
  }
}

TEST_CASE("a quote's report data is found where the nonce of its maker says") {
  const auto quote = test::vector_file("tdx/ccel-cos113/quote.bin");
  const auto nonce = test::vector_file("tdx/ccel-cos113/nonce.bin");
  if (!quote || !nonce) return;
  const auto parsed = parse_td_quote(*quote);
  REQUIRE(parsed);
  CHECK(to_bytes(parsed->body.report_data) == *nonce);
}

TEST_CASE("a quote cut anywhere is refused, and what follows one changes nothing in it") {
  for (const TdBodyType type : {TdBodyType::td_10, TdBodyType::td_15}) {
    const Bytes encoded = encode_td_quote(sample(5, type));
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      CAPTURE(size);
      const auto cut = parse_td_quote(ByteView(encoded).first(size));
      REQUIRE_FALSE(cut);
      CHECK(cut.error().code == Errc::truncated);
    }
    Bytes longer = encoded;
    longer.resize(longer.size() + 100);
    longer.back() = std::byte{1};
    const auto padded = parse_td_quote(longer);
    REQUIRE(padded);
    CHECK(padded->trailing.size() == 100);
    CHECK(padded->pck_chain == sample(5, type).pck_chain);
  }
}

TEST_CASE("what a quote cannot be is refused by its name") {
  struct Case {
    const char* name;
    std::size_t offset;
    std::uint8_t value;
    Errc code;
    const char* says;
  };
  // Offsets in a version 5 quote with a TD 1.5 body: signature data at 706.
  const Case cases[] = {
      {"version 3", 0, 3, Errc::unsupported, "version 3"},
      {"P-384 attestation key", 2, 3, Errc::unsupported, "key type 3"},
      {"SGX quote", 4, 0, Errc::unsupported, "SGX enclave"},
      {"SGX body", 48, 1, Errc::unsupported, "body type 1"},
      {"1.0 body of 1.5 size", 48, 2, Errc::malformed, "584"},
      {"1.5 body of 1.0 size", 50, 0x48, Errc::malformed, "648"},
      {"certification without QE report", 706 + 128, 5, Errc::unsupported, "type 5"},
      {"certification by PPID", 706 + 128 + 6 + 448 + 2 + 32, 3, Errc::unsupported, "type 3"},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.name);
    Bytes bytes = encode_td_quote(sample(5, TdBodyType::td_15));
    bytes[entry.offset] = std::byte{entry.value};
    const auto parsed = parse_td_quote(bytes);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == entry.code);
    CHECK(parsed.error().message.find(entry.says) != std::string::npos);
  }
}

TEST_CASE("sizes inside a quote that leave bytes unread are refused") {
  const TdQuote quote = sample(4, TdBodyType::td_10);
  Bytes bytes = encode_td_quote(quote);
  const std::size_t signature_size_at = 632;
  const std::size_t certification_size_at = 636 + 128 + 2;
  const std::size_t chain_size_at = certification_size_at + 4 + 448 + 2 + 32 + 2;
  const auto chain = static_cast<std::uint32_t>(quote.pck_chain.size());
  put_le32(bytes, chain_size_at, chain - 1);
  CHECK(parse_td_quote(bytes).error().code == Errc::malformed);
  put_le32(bytes, chain_size_at, chain + 1);
  CHECK(parse_td_quote(bytes).error().code == Errc::truncated);
  put_le32(bytes, chain_size_at, 0xffffffff);
  CHECK(parse_td_quote(bytes).error().code == Errc::truncated);

  bytes = encode_td_quote(quote);
  put_le32(bytes, signature_size_at, static_cast<std::uint32_t>(bytes.size() - 636 + 4));
  bytes.resize(bytes.size() + 4);
  const auto loose = parse_td_quote(bytes);
  REQUIRE_FALSE(loose);
  CHECK(loose.error().code == Errc::malformed);

  const auto huge = parse_td_quote(Bytes(td_quote_max_size + 1));
  REQUIRE_FALSE(huge);
  CHECK(huge.error().code == Errc::out_of_range);
}

TEST_CASE("an SGX report body survives encoding and parsing, and has 384 bytes") {
  SgxReportBody body;
  body.cpusvn.fill(std::byte{1});
  body.miscselect = 0x04030201;
  body.attributes.fill(std::byte{2});
  body.mrenclave.fill(std::byte{3});
  body.mrsigner.fill(std::byte{4});
  body.isvprodid = 2;
  body.isvsvn = 0x0506;
  body.report_data.fill(std::byte{7});
  const auto encoded = encode_sgx_report_body(body);
  const auto parsed = parse_sgx_report_body(encoded);
  REQUIRE(parsed);
  CHECK(encode_sgx_report_body(*parsed) == encoded);
  CHECK(parsed->isvsvn == 0x0506);
  CHECK(parse_sgx_report_body(ByteView(encoded).first(383)).error().code == Errc::truncated);
  Bytes longer = to_bytes(encoded);
  longer.push_back(std::byte{});
  CHECK(parse_sgx_report_body(longer).error().code == Errc::out_of_range);
}
