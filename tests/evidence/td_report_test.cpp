#include "evidence/td_report.h"

#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

TdReport sample() {
  TdReport out;
  std::uint8_t next = 1;
  const auto fill = [&next](auto& field) { field.fill(std::byte{next++}); };
  out.type = 0x81;
  out.version = 1;
  fill(out.cpusvn);
  fill(out.report_data);
  fill(out.mac);
  out.valid = 0x301ff;
  fill(out.tee_tcb_svn);
  fill(out.mrseam);
  fill(out.mrsignerseam);
  out.seam_attributes = 0x0102030405060708;
  fill(out.tee_tcb_svn_2);
  out.td_attributes.raw = 0x10000000;
  out.xfam = 0x61ae7;
  fill(out.mrtd);
  fill(out.mrconfigid);
  fill(out.mrowner);
  fill(out.mrownerconfig);
  for (auto& rtmr : out.rtmrs) fill(rtmr);
  fill(out.servtd_hash);
  set_td_report_digests(out);
  return out;
}

}  // namespace

TEST_CASE("a TDREPORT survives encoding and parsing") {
  const TdReport report = sample();
  const Bytes encoded = encode_td_report(report);
  REQUIRE(encoded.size() == td_report_size);
  const auto parsed = parse_td_report(encoded);
  REQUIRE(parsed);
  CHECK(encode_td_report(*parsed) == encoded);
  CHECK(parsed->rtmrs == report.rtmrs);
  CHECK(parsed->servtd_hash == report.servtd_hash);
  CHECK(parsed->xfam == report.xfam);
}

TEST_CASE("every byte of TEE_TCB_INFO and of TDINFO is under a digest of the TDREPORT") {
  const Bytes encoded = encode_td_report(sample());
  REQUIRE(check_td_report_digests(encoded));
  for (std::size_t offset = 0x100; offset < td_report_size; ++offset) {
    if (offset >= 0x1ef && offset < 0x200) continue;  // between the two structures
    CAPTURE(offset);
    Bytes changed = encoded;
    changed[offset] ^= std::byte{0x40};
    const auto checked = check_td_report_digests(changed);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Errc::mismatch);
  }
}

TEST_CASE("a genuine TDREPORT holds its digests, and says what the quote made of it says") {
  // Azure's HCL report has it behind a header of 32 bytes.
  const auto hcl = test::vector_file("azure/tdx/hcl-report.bin");
  const auto quote_bytes = test::vector_file("azure/tdx/td-quote.bin");
  if (!hcl || !quote_bytes) return;
  const ByteView bytes = ByteView(*hcl).subspan(32, td_report_size);
  const auto report = parse_td_report(bytes);
  REQUIRE(report);
  CHECK(check_td_report_digests(bytes));
  const auto quote = parse_td_quote(*quote_bytes);
  REQUIRE(quote);
  TdQuote made = *quote;
  made.body = td_quote_body(*report, TdBodyType::td_10);
  CHECK(encode_td_quote_signed_part(made) == encode_td_quote_signed_part(*quote));
}

TEST_CASE("what is no TDREPORT is refused") {
  const Bytes encoded = encode_td_report(sample());
  CHECK(parse_td_report(ByteView(encoded).first(1023)).error().code == Errc::truncated);
  Bytes longer = encoded;
  longer.push_back(std::byte{});
  CHECK(parse_td_report(longer).error().code == Errc::out_of_range);
  Bytes sgx = encoded;
  sgx[0] = std::byte{0};
  CHECK(parse_td_report(sgx).error().code == Errc::unsupported);
  Bytes subtype = encoded;
  subtype[1] = std::byte{1};
  CHECK(parse_td_report(subtype).error().code == Errc::unsupported);
}
