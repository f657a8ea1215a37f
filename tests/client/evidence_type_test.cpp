#include "client/evidence_type.h"

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/ccel.h"
#include "evidence/cel.h"
#include "evidence/event_log_writer.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"
#include "evidence/svsm_manifest.h"
#include "evidence/td_quote.h"
#include "evidence/td_report.h"
#include "evidence/tpm_attest.h"
#include "sim/signer/gcp_signer.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

std::string type_of(ByteView bytes) {
  const auto type = detect_evidence_type(bytes);
  return type ? std::string(evidence_type_name(*type)) : "none";
}

// TPMT_PUBLIC of an RSA-2048 key (TPM 2.0 part 2, section 12.2.4).
Bytes public_area(std::uint32_t attributes) {
  Writer area;
  area.be16(0x0001).be16(0x000b).be32(attributes).be16(0);
  if ((attributes & TpmPublic::decrypt) != 0) {
    area.be16(0x0006).be16(128).be16(0x0043).be16(0x0010);  // AES-128-CFB, no scheme
  } else {
    area.be16(0x0010).be16(0x0014).be16(0x000b);  // RSASSA with SHA-256
  }
  return area.be16(2048).be32(0).be16(256).raw(Bytes(256, std::byte{0xc3})).take();
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

  TdReport td_report;
  td_report.type = 0x81;
  CHECK(type_of(encode_td_report(td_report)) == "td-report");
  CHECK(type_of(encode_ccel_table({})) == "ccel-table");
  CHECK(type_of(as_bytes(R"([{"pcr":7,"digests":[]}])")) == "cel");
  CelRecord record;
  record.record_number = 0;
  CHECK(type_of(encode_cel_tlv({record})) == "cel");
  TdQuote td_quote;
  td_quote.version = 4;
  td_quote.attestation_key_type = td_key_type_ecdsa_p256;
  td_quote.tee_type = td_tee_type_tdx;
  CHECK(type_of(encode_td_quote(td_quote)) == "td-quote");
  EventLogWriter td_log({HashAlgorithm::sha384});
  td_log.measure(1, 4, Bytes(4));
  CHECK(type_of(td_log.bytes()) == "cc-event-log");
  td_log.measure(7, 4, Bytes(4));
  CHECK(type_of(td_log.bytes()) == "event-log");

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
      {"tdx/v4-spr/quote.bin", "td-quote"},
      {"tdx/v5/quote.bin", "td-quote"},
      {"tdx/ccel-cos113/quote.bin", "td-quote"},
      {"tdx/ccel-cos113/ccel.bin", "cc-event-log"},
      {"tdx/ccel-cos113/ccel-table.bin", "ccel-table"},
      {"gcp/akcert.pem", "certificate"},
      {"gcp/ek_chain.pem", "certificate"},
      {"nitro/document.bin", "nitro-document"},
      {"nitro/root.pem", "certificate"},
      {"azure/tdx/td-quote.bin", "td-quote"},
      {"tdx/v4-spr/quote.bin", "td-quote"},
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

TEST_CASE("a TD's log is told with its registers' names and their values") {
  EventLogWriter log({HashAlgorithm::sha384});
  log.measure(3, 0xd, as_bytes("quiet\x1b[2J"));
  const auto text = describe_text(EvidenceType::cc_event_log, log.bytes(), false);
  REQUIRE(text);
  CHECK(text->find("RTMR2 EV_IPL") != std::string::npos);
  CHECK(text->find('\x1b') == std::string::npos);
  const Rtmrs rtmrs = replay_rtmrs(parse_cc_event_log(log.bytes()).value());
  CHECK(text->find("RTMR2 " + to_hex(rtmrs[2])) != std::string::npos);
}

TEST_CASE("each of a TD's formats can be described") {
  for (const auto& [type, file] : {std::pair{EvidenceType::td_quote, "tdx/v5/quote.bin"},
                                   std::pair{EvidenceType::td_quote, "tdx/v4-spr/quote.bin"},
                                   std::pair{EvidenceType::ccel_table, "tdx/ccel-cos113/ccel-table.bin"},
                                   std::pair{EvidenceType::cc_event_log, "tdx/ccel-cos113/ccel.bin"}}) {
    INFO(file);
    const auto bytes = test::vector_file(file);
    if (!bytes) return;
    const auto text = describe_text(type, *bytes, false);
    REQUIRE(text);
    CHECK(text->size() > 100);
  }
  const auto quote = test::vector_file("tdx/v5/quote.bin");
  if (!quote) return;
  const auto text = describe_text(EvidenceType::td_quote, *quote, false);
  CHECK(text->find("Intel SGX PCK Certificate") != std::string::npos);
  CHECK(text->find("TD 1.5") != std::string::npos);
}

TEST_CASE("each genuine raw file is described by its content alone") {
  const struct {
    const char* file;
    const char* part;  // of what is told
  } cases[] = {
      {"tdx/v4-spr/quote.bin", "mrtd"},
      {"tdx/ccel-cos113/quote.bin", "mrtd"},
      {"azure/tdx/td-quote.bin", "mrtd"},
      {"azure/snp/hcl-report.bin", "HCLAkPub"},
      {"azure/tdx/hcl-report.bin", "HCLAkPub"},
      {"azure/snp/vcek.pem", "SEV-VCEK"},
      {"gcp/akcert.pem", "gce_instance"},
      {"gcp/ak_chain.pem", "EK/AK CA"},
      {"gcp/ekcert.pem", "not_after"},
      {"nitro/document.bin", "module_id"},
      {"nitro/root.pem", "aws.nitro-enclaves"},
      {"tdx/ccel-cos113/ccel.bin", "RTMR2"},
      {"tdx/ccel-cos113/ccel-table.bin", "ccel-table"},
  };
  for (const auto& one : cases) {
    INFO(one.file);
    const auto bytes = test::vector_file(one.file);
    if (!bytes) continue;
    const auto type = detect_evidence_type(*bytes);
    REQUIRE(type);
    const auto text = describe_text(*type, *bytes, false);
    REQUIRE(text);
    INFO(*text);
    CHECK(text->find(one.part) != std::string::npos);
  }
  // The TDREPORT of a genuine machine is within its paravisor's report, after a header of 32 bytes.
  const auto hcl = test::vector_file("azure/tdx/hcl-report.bin");
  if (!hcl) return;
  const ByteView td_report = ByteView(*hcl).subspan(32, td_report_size);
  CHECK(type_of(td_report) == "td-report");
  CHECK(describe_text(EvidenceType::td_report, td_report, false)->find("mrtd") != std::string::npos);
}

TEST_CASE("certificates that follow one another in DER are all told") {
  const sim::GcpSigner google = sim::GcpSigner::mint({}).value();
  Bytes chain;
  for (const Bytes& der : google.chain(TpmKeyUse::attestation)) chain.insert(chain.end(), der.begin(), der.end());
  CHECK(describe_text(EvidenceType::certificate, chain, false));
  chain.push_back(std::byte{0});
  CHECK_FALSE(describe_text(EvidenceType::certificate, chain, false));
}

TEST_CASE("an SVSM's manifest is told with its services and the vTPM's endorsement key") {
  const Bytes area =
      public_area(TpmPublic::restricted | TpmPublic::decrypt | TpmPublic::fixed_tpm | TpmPublic::fixed_parent);
  const std::string other = "11111111-2222-3333-4444-555555555555";
  const Bytes all = encode_svsm_services({{std::string(svsm_vtpm_guid), area}, {other, to_bytes("\x1b[2J")}});
  CHECK(type_of(all) == "svsm-manifest");
  const std::string name = to_hex(parse_tpm_public(area).value().name);
  for (const Bytes& manifest : {all, area}) {
    const auto text = describe_text(EvidenceType::svsm_manifest, manifest, false);
    REQUIRE(text);
    INFO(*text);
    CHECK(text->find(name) != std::string::npos);
    CHECK(text->find('\x1b') == std::string::npos);
    CHECK((text->find(svsm_vtpm_guid) != std::string::npos) == (manifest == all));
  }
  CHECK(describe_text(EvidenceType::svsm_manifest, all, false)->find(other) != std::string::npos);
  // Services without a vTPM are told too; a key that is no endorsement key is an error.
  CHECK(describe_text(EvidenceType::svsm_manifest, encode_svsm_services({{other, {}}}), false));
  CHECK_FALSE(describe_text(EvidenceType::svsm_manifest, public_area(TpmPublic::sign | TpmPublic::restricted), false));
}
