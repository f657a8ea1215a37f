#include "client/evidence_type.h"

#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

std::string type_of(ByteView bytes) {
  const auto type = detect_evidence_type(bytes);
  return type ? std::string(evidence_type_name(*type)) : "none";
}

}  // namespace

TEST_CASE("each type has a name, and the name leads back to it") {
  for (const std::string_view name : evidence_type_names()) {
    const auto type = evidence_type_from_name(name);
    REQUIRE(type);
    CHECK(evidence_type_name(*type) == name);
  }
  CHECK_FALSE(evidence_type_from_name("quote"));
}

TEST_CASE("formats are told apart by their content") {
  CHECK(type_of({}) == "none");
  CHECK(type_of(as_bytes("hello")) == "none");
  CHECK(type_of(Bytes(1184)) == "none");
  CHECK(type_of(as_bytes(R"({"__cmwc_t":"tag:attestd,2026:bundle:1"})")) == "bundle");
  CHECK(type_of(as_bytes(R"(  {"eat_profile":"tag:attestd,2026:statement:1"})")) == "statement");
  CHECK(type_of(as_bytes(R"({"sha256":{"0":"00"}})")) == "pcrs");
  CHECK(type_of(as_bytes("\x1e{\"pcr\":11}\n")) == "userspace-log");
  CHECK(type_of(as_bytes("subject=x\n-----BEGIN CERTIFICATE-----\n")) == "certificate");

  SnpReport report;
  report.version = 3;
  CHECK(type_of(encode_snp_report(report)) == "snp-report");
  const Bytes table =
      encode_snp_certificate_table({{std::string(snp_guid_vcek), to_bytes(std::string_view("certificate"))}});
  CHECK(type_of(table) == "snp-certificates");

  Bytes quote = Writer().be32(0xff544347).be16(0x8018).zeros(20).take();
  CHECK(type_of(quote) == "tpm-quote");
  quote.insert(quote.begin(), {std::byte{0}, std::byte{26}});
  CHECK(type_of(quote) == "tpm-quote");
}

TEST_CASE("genuine evidence is recognized") {
  struct Case {
    const char* file;
    const char* type;
  };
  const Case cases[] = {
      {"snp/milan-vcek-v2/report.bin", "snp-report"},
      {"snp/milan-vlek-v3/report.bin", "snp-report"},
      {"azure/snp/hcl-report.bin", "hcl-report"},
      {"azure/tdx/hcl-report.bin", "hcl-report"},
      {"snp/milan-vcek-v2/vcek.der", "certificate"},
      {"snp/milan-vcek-v2/chain.pem", "certificate"},
      {"tpm/quote/quote.out", "tpm-quote"},
      {"tpm/quote/quotesig.out", "tpm-signature"},
      {"tpm/quote/quotepcr.out", "pcrs"},
      {"tpm/quote/ak.pub", "tpm-public"},
      {"tpm/eventlogs/debian-10.bin", "event-log"},
      {"tpm/eventlogs/rhel8-uefi.bin", "event-log"},
      {"tpm/eventlogs/sd-boot-fedora37.bin", "event-log"},
      {"tpm/eventlogs/ubuntu-2404-amd-sevsnp.bin", "event-log"},
  };
  for (const Case& one : cases) {
    INFO(one.file);
    const auto bytes = test::vector_file(one.file);
    if (bytes) CHECK(type_of(*bytes) == one.type);
  }
}
