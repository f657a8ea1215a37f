// Evidence in Trustee's JSON and the bytes in it: from our signers, and from genuine hardware.
#include "kbs/trustee_evidence.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "evidence/event_log_writer.h"
#include "evidence/hcl_report.h"
#include "evidence/pem.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"
#include "sim/signer/snp_signer.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "tests/verifier/software_ak.h"
#include "verifier/snp.h"
#include "verifier/tpm.h"

namespace attestd::kbs {
namespace {

// Every field that the serializations have differs from every other.
SnpReport full_report(std::uint32_t version) {
  SnpReport out;
  auto fill = [next = 1](auto& bytes) mutable {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(next++ % 251);
  };
  out.version = version;
  out.guest_svn = 0x01020304;
  out.policy.raw = 0xfedcba9876543210;
  fill(out.family_id);
  fill(out.image_id);
  out.vmpl = 2;
  out.signature_algorithm = 1;
  out.current_tcb = 0xdb18000000000004;
  out.platform_info = 0x8000000000000025;
  out.key_flags = 0x1f;
  fill(out.report_data);
  fill(out.measurement);
  fill(out.host_data);
  fill(out.id_key_digest);
  fill(out.author_key_digest);
  fill(out.report_id);
  fill(out.report_id_ma);
  out.reported_tcb = 0xd914000000000103;
  if (version >= 3) {
    out.cpuid_family = 0x19;
    out.cpuid_model = 0x11;
    out.cpuid_stepping = 1;
  }
  fill(out.chip_id);
  out.committed_tcb = 0xd813000000000002;
  out.current_firmware = {21, 55, 1};
  out.committed_firmware = {20, 54, 2};
  out.launch_tcb = 0xd712000000000001;
  if (version >= 5) {
    out.launch_mitigations = 0xffffffffffffffff;
    out.current_mitigations = 3;
  }
  std::ranges::fill_n(out.signature_r.begin(), 48, std::byte{0xaa});
  std::ranges::fill_n(out.signature_s.begin(), 48, std::byte{0xbb});
  return out;
}

SnpReport turin_report(std::uint32_t version) {
  SnpReport out = full_report(version);
  if (version >= 3) out.cpuid_family = 0x1a;
  std::ranges::fill(out.chip_id.begin() + 8, out.chip_id.end(), std::byte{0});
  // FMC, boot loader, TEE, SNP; microcode.
  for (std::uint64_t* const tcb : {&out.current_tcb, &out.reported_tcb, &out.committed_tcb, &out.launch_tcb}) {
    *tcb = 0x4800000004000200 + (tcb == &out.launch_tcb ? 1 : 2);
  }
  return out;
}

void comes_back(ByteView report, ByteView certificates, SnpSerialization serialization) {
  Bundle bundle;
  bundle.snp_report = to_bytes(report);
  bundle.snp_certificates = to_bytes(certificates);
  const auto text = encode_trustee_evidence(Tee::snp, bundle, serialization);
  REQUIRE(text);
  const auto read = parse_trustee_evidence(Tee::snp, *text);
  REQUIRE(read);
  CHECK(to_hex(read->bundle.snp_report) == to_hex(report));
  CHECK(read->bundle.snp_certificates == bundle.snp_certificates);
  CHECK(read->bundle.statement.empty());
  CHECK_FALSE(read->bundle.tpm);
}

constexpr std::array serializations{SnpSerialization::in_memory, SnpSerialization::decoded};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string evidence_of(const SnpReport& report, SnpSerialization serialization) {
  Bundle bundle;
  bundle.snp_report = encode_snp_report(report);
  return encode_trustee_evidence(Tee::snp, bundle, serialization).value();
}

PcrValues all_pcrs() {
  PcrValues out;
  for (unsigned index = 0; index < 24; ++index) {
    out[HashAlgorithm::sha256][index] = Bytes(32, static_cast<std::byte>(index));
  }
  return out;
}

Bundle azure_bundle() {
  static const test::SoftwareAk ak(test::SoftwareAk::Kind::rsa);
  Bundle out;
  HclReport hcl;
  hcl.hardware_report = encode_snp_report(full_report(3));
  hcl.runtime_data = to_bytes(R"({"keys":[]})");
  out.hcl_report = encode_hcl_report(hcl);
  out.tpm = ak.quote(to_bytes("qualifying data"), all_pcrs());
  out.certificates = to_bytes(certificate_to_pem(from_hex("3003020101").value()));
  out.td_quote = Bytes(700, std::byte{4});
  return out;
}

}  // namespace

TEST_CASE("a report of any version and product comes back bit by bit from both serializations") {
  for (const SnpSerialization serialization : serializations) {
    for (const std::uint32_t version : {2U, 3U, 4U, 5U}) {
      CAPTURE(version, serialization == SnpSerialization::decoded);
      comes_back(encode_snp_report(full_report(version)), {}, serialization);
      comes_back(encode_snp_report(turin_report(version)), {}, serialization);
    }
  }
}

TEST_CASE("a host's certificate table comes back with every kind of certificate") {
  const std::vector<SnpCertificate> certificates{
      {std::string(snp_guid_vcek), from_hex("3001").value()}, {std::string(snp_guid_vlek), from_hex("3002").value()},
      {std::string(snp_guid_ask), from_hex("3003").value()},  {std::string(snp_guid_ark), from_hex("3004").value()},
      {std::string(snp_guid_crl), from_hex("3005").value()},  {"01234567-89ab-cdef-0123-456789abcdef", Bytes(300)}};
  const Bytes report = encode_snp_report(full_report(3));
  for (const SnpSerialization serialization : serializations) {
    comes_back(report, encode_snp_certificate_table(certificates), serialization);
  }
  Bundle bundle;
  bundle.snp_report = report;
  bundle.snp_certificates = encode_snp_certificate_table({certificates[0], certificates[5]});
  const std::string text = encode_trustee_evidence(Tee::snp, bundle).value();
  CHECK(text.find(R"({"cert_type":"VCEK","data":[48,1]})") != std::string::npos);
  CHECK(text.find(R"({"cert_type":{"OTHER":"01234567-89ab-cdef-0123-456789abcdef"},"data":[0)") != std::string::npos);
  bundle.snp_certificates = encode_snp_certificate_table({certificates.begin() + 1, certificates.begin() + 5});
  const std::string others = encode_trustee_evidence(Tee::snp, bundle).value();
  for (const char* const said :
       {R"("VLEK","data":[48,2])", R"("ASK","data":[48,3])", R"("ARK","data":[48,4])", R"("CRL","data":[48,5])"}) {
    CAPTURE(said);
    CHECK(others.find(said) != std::string::npos);
  }
  bundle.snp_certificates.clear();
  CHECK(encode_trustee_evidence(Tee::snp, bundle)->ends_with(R"("cert_chain":null})"));
}

TEST_CASE("the members are those of the sev crate, in its order") {
  const std::string in_memory = evidence_of(full_report(3), SnpSerialization::in_memory);
  const std::string decoded = evidence_of(full_report(3), SnpSerialization::decoded);
  const auto in_order = [](const std::string& text, std::initializer_list<const char*> names) {
    std::size_t at = 0;
    for (const char* const name : names) {
      CAPTURE(name);
      at = text.find('"' + std::string(name) + "\":", at);
      REQUIRE(at != std::string::npos);
    }
  };
  in_order(in_memory, {"attestation_report",
                       "version",
                       "guest_svn",
                       "policy",
                       "family_id",
                       "image_id",
                       "vmpl",
                       "sig_algo",
                       "current_tcb",
                       "bootloader",
                       "tee",
                       "_reserved",
                       "snp",
                       "microcode",
                       "plat_info",
                       "_author_key_en",
                       "_reserved_0",
                       "report_data",
                       "measurement",
                       "host_data",
                       "id_key_digest",
                       "author_key_digest",
                       "report_id",
                       "report_id_ma",
                       "reported_tcb",
                       "_reserved_1",
                       "chip_id",
                       "committed_tcb",
                       "current_build",
                       "current_minor",
                       "current_major",
                       "_reserved_2",
                       "committed_build",
                       "committed_minor",
                       "committed_major",
                       "_reserved_3",
                       "launch_tcb",
                       "_reserved_4",
                       "signature",
                       "r",
                       "s",
                       "_reserved",
                       "cert_chain"});
  in_order(decoded, {"attestation_report",
                     "version",
                     "guest_svn",
                     "policy",
                     "family_id",
                     "image_id",
                     "vmpl",
                     "sig_algo",
                     "current_tcb",
                     "fmc",
                     "bootloader",
                     "tee",
                     "snp",
                     "microcode",
                     "plat_info",
                     "key_info",
                     "report_data",
                     "measurement",
                     "host_data",
                     "id_key_digest",
                     "author_key_digest",
                     "report_id",
                     "report_id_ma",
                     "reported_tcb",
                     "cpuid_fam_id",
                     "cpuid_mod_id",
                     "cpuid_step",
                     "chip_id",
                     "committed_tcb",
                     "current",
                     "major",
                     "minor",
                     "build",
                     "committed",
                     "launch_tcb",
                     "launch_mit_vector",
                     "current_mit_vector",
                     "signature",
                     "r",
                     "s",
                     "cert_chain"});
  CHECK(decoded.find(R"("current_tcb":{"fmc":null,"bootloader":4,"tee":0,"snp":24,"microcode":219})") !=
        std::string::npos);
  CHECK(decoded.find(R"("launch_mit_vector":null)") != std::string::npos);
  const std::string turin = evidence_of(turin_report(5), SnpSerialization::decoded);
  CHECK(turin.find(R"("current_tcb":{"fmc":2,"bootloader":2,"tee":0,"snp":4,"microcode":72})") != std::string::npos);
  CHECK(turin.find(R"("launch_mit_vector":18446744073709551615)") != std::string::npos);
}

TEST_CASE("what sev before 6.3 wrote has no mitigation vectors, and of version 2 no CPUID") {
  std::string text = evidence_of(full_report(3), SnpSerialization::decoded);
  text = replaced(text, R"("launch_mit_vector":null,"current_mit_vector":null,)", "");
  CHECK(parse_trustee_evidence(Tee::snp, text)->bundle.snp_report == encode_snp_report(full_report(3)));
  text = evidence_of(full_report(2), SnpSerialization::decoded);
  text = replaced(text, R"("cpuid_fam_id":null,"cpuid_mod_id":null,"cpuid_step":null,)", "");
  CHECK(parse_trustee_evidence(Tee::snp, text)->bundle.snp_report == encode_snp_report(full_report(2)));
}

TEST_CASE("SNP evidence that is no report is refused") {
  const std::string decoded = evidence_of(full_report(3), SnpSerialization::decoded);
  const std::string in_memory = evidence_of(full_report(3), SnpSerialization::in_memory);
  struct Case {
    const char* what;
    std::string text;
  };
  const std::string chain = R"("cert_chain":null)";
  for (const Case& one : std::initializer_list<Case>{
           {"not JSON", "{"},
           {"an array", "[]"},
           {"no report", R"({"cert_chain":null})"},
           {"a report that is text", R"({"attestation_report":"AA=="})"},
           {"a byte above 255", replaced(decoded, R"("family_id":[1,)", R"("family_id":[256,)")},
           {"a negative byte", replaced(decoded, R"("family_id":[1,)", R"("family_id":[-1,)")},
           {"a byte with a fraction", replaced(decoded, R"("family_id":[1,)", R"("family_id":[1.0,)")},
           {"a byte too many", replaced(decoded, R"("family_id":[1,)", R"("family_id":[1,1,)")},
           {"a byte too few", replaced(decoded, R"("family_id":[1,)", R"("family_id":[)")},
           {"a TCB that is no object", replaced(decoded, R"("current_tcb":{)", R"("current_tcb":7,"x":{)")},
           {"a number that does not fit", replaced(decoded, R"("vmpl":2)", R"("vmpl":4294967296)")},
           {"two serializations at once", replaced(decoded, R"("key_info":31)", R"("key_info":31,"_author_key_en":0)")},
           {"a member twice", replaced(decoded, R"("vmpl":2)", R"("vmpl":2,"vmpl":0)")},
           {"CPUID in version 2", replaced(decoded, R"("version":3)", R"("version":2)")},
           {"mitigations in version 3", replaced(decoded, R"("launch_mit_vector":null)", R"("launch_mit_vector":1)")},
           {"mitigations in version 4", replaced(evidence_of(full_report(4), SnpSerialization::decoded),
                                                 R"("launch_mit_vector":null)", R"("launch_mit_vector":1)")},
           {"a missing field", replaced(in_memory, R"("_reserved_2":0,)", "")},
           {"a kind of certificate that is none",
            replaced(decoded, chain, R"("cert_chain":[{"cert_type":"X","data":[]}])")},
           {"a GUID that is none",
            replaced(decoded, chain, R"("cert_chain":[{"cert_type":{"OTHER":"zz"},"data":[]}])")},
           {"the GUID that ends a table",
            replaced(decoded, chain,
                     R"("cert_chain":[{"cert_type":{"OTHER":"00000000-0000-0000-0000-000000000000"},"data":[]}])")},
           {"a certificate that is text",
            replaced(decoded, chain, R"("cert_chain":[{"cert_type":"VCEK","data":"AA"}])")},
       }) {
    INFO(one.what);
    CHECK_FALSE(parse_trustee_evidence(Tee::snp, one.text));
  }
  const auto empty =
      parse_trustee_evidence(Tee::snp, replaced(decoded, chain, R"("cert_chain":[{"cert_type":"Empty","data":[]}])"));
  REQUIRE(empty);
  CHECK(empty->bundle.snp_certificates.empty());
}

TEST_CASE("a report that sev could not have is not sent") {
  Bundle bundle;
  CHECK(encode_trustee_evidence(Tee::snp, bundle).error().code == Errc::not_found);
  SnpReport report = full_report(3);
  report.cpuid_family = 0x17;
  bundle.snp_report = encode_snp_report(report);
  CHECK(encode_trustee_evidence(Tee::snp, bundle).error().code == Errc::unsupported);
  CHECK(encode_trustee_evidence(Tee::snp, bundle, SnpSerialization::in_memory));
  report = full_report(2);
  report.chip_id = {};
  bundle.snp_report = encode_snp_report(report);
  CHECK(encode_trustee_evidence(Tee::snp, bundle).error().code == Errc::unsupported);
  bundle.snp_report.pop_back();
  CHECK_FALSE(encode_trustee_evidence(Tee::snp, bundle));
}

TEST_CASE("genuine SNP reports come back bit by bit, and verify as before") {
  struct Case {
    const char* report;
    const char* leaf;
    const char* chain;
    const char* guid;
  };
  for (const Case& one : {Case{"snp/milan-vcek-v2/report.bin", "snp/milan-vcek-v2/vcek.der",
                               "snp/milan-vcek-v2/chain.pem", snp_guid_vcek.data()},
                          {"snp/milan-vlek-v3/report.bin", "snp/milan-vlek-v3/vlek.der", "snp/milan-vlek-v3/chain.pem",
                           snp_guid_vlek.data()},
                          {"snp/milan-wrong-vcek/report.bin", "snp/milan-wrong-vcek/vcek-right.der",
                           "snp/milan-wrong-vcek/chain.pem", snp_guid_vcek.data()}}) {
    CAPTURE(one.report);
    const auto report = test::vector_file(one.report);
    if (!report) return;
    const Bytes table = encode_snp_certificate_table({{one.guid, *test::vector_file(one.leaf)}});
    for (const SnpSerialization serialization : serializations) {
      comes_back(*report, table, serialization);
      Bundle bundle;
      bundle.snp_report = *report;
      bundle.snp_certificates = table;
      const auto read =
          parse_trustee_evidence(Tee::snp, encode_trustee_evidence(Tee::snp, bundle, serialization).value());
      SnpEndorsements endorsements;
      REQUIRE(add_snp_certificate_table(read->bundle.snp_certificates, endorsements));
      REQUIRE(add_snp_certificates(*test::vector_file(one.chain), endorsements));
      constexpr std::int64_t june_2025 = 1748736000;
      CHECK(verify_snp(read->bundle.snp_report, endorsements, {}, june_2025).good());
    }
  }
}

TEST_CASE("a signed Turin report of version 5 verifies after its way through JSON") {
  sim::SnpSignerOptions options;
  options.product = SnpProduct::turin;
  options.tcb.fmc = 1;
  options.chip_id[0] = std::byte{9};
  options.report_version = 5;
  const sim::SnpSigner signer = sim::SnpSigner::mint(options).value();
  SnpReport report;
  report.policy.raw = 0x30000;
  report.launch_mitigations = 0x8000000000000001;
  report.current_mitigations = 5;
  REQUIRE(signer.sign(report));
  const Bytes raw = encode_snp_report(report);
  const Bytes table = encode_snp_certificate_table(signer.certificates());
  for (const SnpSerialization serialization : serializations) {
    comes_back(raw, table, serialization);
    Bundle bundle;
    bundle.snp_report = raw;
    const std::string text = encode_trustee_evidence(Tee::snp, bundle, serialization).value();
    SnpEndorsements endorsements;
    REQUIRE(add_snp_certificate_table(table, endorsements));
    TrustRoots roots;
    roots.named = {signer.root_der()};
    const auto read = parse_trustee_evidence(Tee::snp, text);
    CHECK(verify_snp(read->bundle.snp_report, endorsements, roots, 1764000000).good());
    if (serialization == SnpSerialization::in_memory) continue;
    // As sev 6.0 to 6.2 would have written it: without the vectors, and so without a signature.
    const auto lossy = parse_trustee_evidence(
        Tee::snp, replaced(text, R"("launch_mit_vector":9223372036854775809,"current_mit_vector":5,)", ""));
    REQUIRE(lossy);
    CHECK_FALSE(verify_snp(lossy->bundle.snp_report, endorsements, roots, 1764000000).good());
  }
}

TEST_CASE("TDX evidence is a quote and a log up to its last event") {
  EventLogWriter log({HashAlgorithm::sha384});
  log.measure(2, 4, Bytes(4));
  Bytes padded = log.bytes();
  padded.resize(padded.size() + 4096, std::byte{0xff});
  const auto read = parse_trustee_evidence(
      Tee::tdx, R"({"cc_eventlog":")" + to_base64(padded) + R"(","quote":"BAA=","aa_eventlog":"INIT sha384/00\n"})");
  REQUIRE(read);
  CHECK(to_hex(read->bundle.td_quote) == "0400");
  CHECK(read->bundle.cc_event_log == log.bytes());
  CHECK(read->agent_event_log == "INIT sha384/00\n");
  CHECK(encode_trustee_evidence(Tee::tdx, read->bundle) ==
        R"({"cc_eventlog":")" + to_base64(log.bytes()) + R"(","quote":"BAA="})");

  const auto bare = parse_trustee_evidence(Tee::tdx, R"({"cc_eventlog":null,"quote":"BAA="})");
  REQUIRE(bare);
  CHECK(bare->bundle.cc_event_log.empty());
  CHECK(encode_trustee_evidence(Tee::tdx, bare->bundle) == R"({"cc_eventlog":null,"quote":"BAA="})");
  for (const char* const text : {R"({"cc_eventlog":null})", R"({"quote":""})", R"({"quote":"BA"})",
                                 R"({"quote":[4,0]})", R"({"quote":"BAA=","cc_eventlog":"!"})",
                                 R"({"quote":"BAA=","cc_eventlog":7})", R"({"quote":"BAA=","aa_eventlog":7})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_trustee_evidence(Tee::tdx, text));
  }
  CHECK(encode_trustee_evidence(Tee::tdx, {}).error().code == Errc::not_found);
}

TEST_CASE("genuine TD quotes and logs come back") {
  for (const char* const path : {"tdx/v4-spr/quote.bin", "tdx/v5/quote.bin", "tdx/ccel-cos113/quote.bin"}) {
    CAPTURE(path);
    const auto quote = test::vector_file(path);
    const auto log = test::vector_file("tdx/ccel-cos113/ccel.bin");
    if (!quote || !log) return;
    Bundle bundle;
    bundle.td_quote = *quote;
    bundle.cc_event_log = *log;
    const auto read = parse_trustee_evidence(Tee::tdx, encode_trustee_evidence(Tee::tdx, bundle).value());
    REQUIRE(read);
    CHECK(read->bundle.td_quote == *quote);
    CHECK(std::ranges::equal(read->bundle.cc_event_log, ByteView(*log).first(read->bundle.cc_event_log.size())));
  }
}

TEST_CASE("Azure's evidence comes back in version 2") {
  const Bundle bundle = azure_bundle();
  for (const Tee tee : {Tee::az_snp_vtpm, Tee::az_tdx_vtpm}) {
    CAPTURE(tee_name(tee));
    const auto text = encode_trustee_evidence(tee, bundle);
    REQUIRE(text);
    CHECK(text->starts_with(R"({"version":2,"tpm_quote":{"signature":")"));
    const auto read = parse_trustee_evidence(tee, *text);
    REQUIRE(read);
    CHECK(read->version == 2);
    CHECK(read->bundle.hcl_report == bundle.hcl_report);
    REQUIRE(read->bundle.tpm);
    CHECK(read->bundle.tpm->quote == bundle.tpm->quote);
    CHECK(read->bundle.tpm->signature == bundle.tpm->signature);
    CHECK(read->bundle.tpm->pcrs == bundle.tpm->pcrs);
    CHECK(read->bundle.tpm->ak_public.empty());
    CHECK(to_hex(read->bundle.certificates) == (tee == Tee::az_snp_vtpm ? "3003020101" : ""));
    CHECK(read->bundle.td_quote == (tee == Tee::az_tdx_vtpm ? bundle.td_quote : Bytes()));
  }
}

TEST_CASE("Azure's evidence of version 0 has numbers, and names of its own for SNP") {
  std::string pcrs = "[";
  for (int i = 0; i < 24; ++i) {
    pcrs += i == 0 ? "[" : ",[";
    for (int j = 0; j < 32; ++j) pcrs += (j == 0 ? "" : ",") + std::to_string(i);
    pcrs += "]";
  }
  pcrs += "]";
  const std::string quote = R"({"signature":[1,2],"message":[255,84],"pcrs":)" + pcrs + "}";
  const auto snp = parse_trustee_evidence(
      Tee::az_snp_vtpm, R"({"quote":)" + quote + R"(,"report":[72,67],"vcek":"-----BEGIN CERTIFICATE-----"})");
  REQUIRE(snp);
  CHECK(snp->version == 0);
  CHECK(to_hex(snp->bundle.hcl_report) == "4843");
  CHECK(to_hex(snp->bundle.tpm->quote) == "ff54");
  CHECK(to_hex(snp->bundle.tpm->signature) == "0014000b00020102");
  CHECK(snp->bundle.tpm->pcrs == all_pcrs());
  CHECK(as_text(snp->bundle.certificates) == "-----BEGIN CERTIFICATE-----");
  const auto tdx =
      parse_trustee_evidence(Tee::az_tdx_vtpm, R"({"tpm_quote":)" + quote + R"(,"hcl_report":[72],"td_quote":[4,0]})");
  REQUIRE(tdx);
  CHECK(to_hex(tdx->bundle.td_quote) == "0400");
}

TEST_CASE("Azure's evidence that lacks something is refused, and not sent") {
  const std::string text = encode_trustee_evidence(Tee::az_snp_vtpm, azure_bundle()).value();
  const std::string pcr_0(64, '0');
  for (const std::string& broken :
       {replaced(text, R"("version":2)", R"("version":3)"), replaced(text, R"("version":2)", R"("version":"2")"),
        replaced(text, R"("version":2,)", ""), replaced(text, "\"" + pcr_0 + "\",", ""),
        replaced(text, pcr_0, pcr_0 + "00"), replaced(text, pcr_0, "zz" + pcr_0.substr(2)),
        replaced(text, R"("vcek":)", R"("x":)"), replaced(text, R"("hcl_report":")", R"("hcl_report":"!)"),
        replaced(text, R"("message":")", R"("message":"0)")}) {
    CAPTURE(broken.substr(0, 40));
    CHECK_FALSE(parse_trustee_evidence(Tee::az_snp_vtpm, broken));
  }
  const auto without = [](const std::function<void(Bundle&)>& change) {
    Bundle bundle = azure_bundle();
    change(bundle);
    return bundle;
  };
  CHECK_FALSE(encode_trustee_evidence(Tee::az_snp_vtpm, without([](Bundle& b) { b.tpm.reset(); })));
  CHECK_FALSE(encode_trustee_evidence(Tee::az_snp_vtpm, without([](Bundle& b) { b.hcl_report.clear(); })));
  CHECK_FALSE(encode_trustee_evidence(Tee::az_snp_vtpm, without([](Bundle& b) { b.certificates.clear(); })));
  CHECK_FALSE(encode_trustee_evidence(Tee::az_tdx_vtpm, without([](Bundle& b) { b.td_quote.clear(); })));
  CHECK_FALSE(encode_trustee_evidence(Tee::az_tdx_vtpm,
                                      without([](Bundle& b) { b.tpm->pcrs.at(HashAlgorithm::sha256).erase(7); })));
  const test::SoftwareAk ecc;
  CHECK(encode_trustee_evidence(Tee::az_tdx_vtpm, without([&](Bundle& b) { b.tpm = ecc.quote({}, all_pcrs()); }))
            .error()
            .code == Errc::unsupported);
}

TEST_CASE("a TPM's evidence has a public key and a quote") {
  Bundle bundle = azure_bundle();
  bundle.tpm->ak_public = to_bytes("-----BEGIN PUBLIC KEY-----\n" + to_base64(Bytes(48)) + "\n" + to_base64(Bytes(3)) +
                                   "\n-----END PUBLIC KEY-----\n");
  const auto text = encode_trustee_evidence(Tee::tpm, bundle);
  REQUIRE(text);
  const auto read = parse_trustee_evidence(Tee::tpm, *text);
  REQUIRE(read);
  CHECK(read->bundle.tpm->ak_public == bundle.tpm->ak_public);
  CHECK(read->bundle.tpm->quote == bundle.tpm->quote);
  CHECK(read->bundle.tpm->signature == bundle.tpm->signature);
  CHECK(read->bundle.tpm->pcrs == bundle.tpm->pcrs);
  CHECK(read->bundle.hcl_report.empty());
}

TEST_CASE("evidence of TEEs that we do not verify is refused by name") {
  for (const Tee tee : {Tee::sgx, Tee::se, Tee::cca, Tee::csv, Tee::sample, Tee::nvidia}) {
    CAPTURE(tee_name(tee));
    CHECK(parse_trustee_evidence(tee, "{}").error().code == Errc::unsupported);
    CHECK(encode_trustee_evidence(tee, azure_bundle()).error().code == Errc::unsupported);
  }
}

}  // namespace attestd::kbs
