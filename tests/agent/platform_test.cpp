#include "agent/platform.h"

#include <algorithm>
#include <functional>

#include "agent/report_kind.h"
#include "evidence/snp_report.h"
#include "evidence/td_quote.h"
#include "tests/catch.h"

namespace attestd::agent {
namespace {

struct Case {
  std::string_view what;
  std::function<void(PlatformFacts&)> see;
  std::string_view name;
  std::string_view reason;  // a part of one of them
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"nothing", [](PlatformFacts&) {}, "unknown", ""},
      {"a hypervisor alone", [](PlatformFacts& f) { f.hypervisor = true; }, "kvm", "hypervisor"},
      {"an SNP guest's CPUID", [](PlatformFacts& f) { f.snp = true; }, "kvm-snp", "Fn8000_001F"},
      {"a TD's CPUID", [](PlatformFacts& f) { f.tdx = true; }, "kvm-tdx", "leaf 0x21"},
      {"/dev/sev-guest", [](PlatformFacts& f) { f.sev_guest = "/dev/sev-guest"; }, "kvm-snp", "/dev/sev-guest"},
      {"/dev/tdx_guest", [](PlatformFacts& f) { f.tdx_guest = "/dev/tdx_guest"; }, "kvm-tdx", "/dev/tdx_guest"},
      {"configfs-tsm of sev-guest",
       [](PlatformFacts& f) {
         f.configfs_tsm = "/c";
         f.provider = "sev_guest";
       },
       "kvm-snp", "/c makes reports, provider sev_guest"},
      {"configfs-tsm of tdx-guest",
       [](PlatformFacts& f) {
         f.configfs_tsm = "/c";
         f.provider = "tdx_guest";
       },
       "kvm-tdx", "provider tdx_guest"},
      {"an empty configfs-tsm",
       [](PlatformFacts& f) {
         f.hypervisor = true;
         f.configfs_tsm = "/c";
       },
       "kvm", ""},
      {"a paravisor on SNP",
       [](PlatformFacts& f) {
         f.paravisor = true;
         f.isolation = 2;
       },
       "azure-snp", "paravisor"},
      {"a paravisor on TDX",
       [](PlatformFacts& f) {
         f.paravisor = true;
         f.isolation = 3;
       },
       "azure-tdx", "TDX isolation"},
      {"an HCL report of SNP", [](PlatformFacts& f) { f.hcl_report = "snp"; }, "azure-snp", "NV index 0x01400001"},
      {"an HCL report of TDX", [](PlatformFacts& f) { f.hcl_report = "tdx"; }, "azure-tdx", "NV index 0x01400001"},
      {"an HCL report that cannot be read, and no hardware", [](PlatformFacts& f) { f.hcl_report = "unknown"; },
       "unknown", ""},
      {"an SVSM's guest",
       [](PlatformFacts& f) {
         f.provider = "sev_guest";
         f.service_provider = true;
       },
       "svsm-snp", "service_provider"},
      {"Google's AK certificate under SNP",
       [](PlatformFacts& f) {
         f.sev_guest = "/dev/sev-guest";
         f.nv_indices = {0x01c00002, 0x01c10000};
       },
       "gcp-snp", "AK certificate"},
      {"Google's AK certificate under TDX",
       [](PlatformFacts& f) {
         f.tdx = true;
         f.nv_indices = {0x01c10002};
       },
       "gcp-tdx", "AK certificate"},
      {"some TPM's EK certificate",
       [](PlatformFacts& f) {
         f.snp = true;
         f.nv_indices = {0x01c00002, 0x01c0000a};
       },
       "kvm-snp", ""},
      {"NitroTPM",
       [](PlatformFacts& f) {
         f.snp = true;
         f.tpm_manufacturer = "AMZN";
       },
       "aws-snp", "AMZN"},
      {"the host's word for AWS",
       [](PlatformFacts& f) {
         f.snp = true;
         f.system_vendor = "Amazon EC2";
       },
       "aws-snp", "a hint, no evidence"},
      {"the host's word for Google",
       [](PlatformFacts& f) {
         f.tdx = true;
         f.system_vendor = "Google";
       },
       "gcp-tdx", "a hint, no evidence"},
      {"the host's word for Microsoft, and nothing inside",
       [](PlatformFacts& f) {
         f.snp = true;
         f.system_vendor = "Microsoft Corporation";
       },
       "kvm-snp", "a hint, no evidence"},
      {"the host's word against what is inside",
       [](PlatformFacts& f) {
         f.hcl_report = "snp";
         f.system_vendor = "Google";
       },
       "azure-snp", ""},
      {"the host's word without hardware", [](PlatformFacts& f) { f.system_vendor = "Google"; }, "unknown", "a hint"},
      {"both kinds of hardware",
       [](PlatformFacts& f) {
         f.hypervisor = true;
         f.sev_guest = "/dev/sev-guest";
         f.tdx = true;
       },
       "unknown", "contradict"},
      {"a paravisor's report against the device",
       [](PlatformFacts& f) {
         f.hcl_report = "tdx";
         f.sev_guest = "/dev/sev-guest";
       },
       "unknown", "contradict"},
      {"a cloud with hardware that it does not have",
       [](PlatformFacts& f) {
         f.tdx = true;
         f.tpm_manufacturer = "AMZN";
       },
       "kvm-tdx", "no platform aws-tdx"},
      {"a TPM that does not answer",
       [](PlatformFacts& f) {
         f.snp = true;
         f.tpm_problem = "no answer";
       },
       "kvm-snp", "could not be asked: no answer"},
  };
  return all;
}

bool any_reason(const PlatformClaim& claim, std::string_view part) {
  return std::ranges::any_of(claim.reasons,
                             [&](const std::string& reason) { return reason.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("the platform is what is seen from inside, and the reasons say what that was") {
  for (const Case& one : cases()) {
    INFO(one.what);
    PlatformFacts facts;
    one.see(facts);
    const PlatformClaim claim = detect_platform(facts);
    CHECK(claim.name == one.name);
    for (const std::string& reason : claim.reasons) UNSCOPED_INFO(reason);
    CHECK((one.reason.empty() || any_reason(claim, one.reason)));
  }
}

TEST_CASE("the configuration may force a platform, and the reasons say what it would have been") {
  PlatformFacts facts;
  facts.snp = true;
  const PlatformClaim claim = detect_platform(facts, "azure-snp");
  CHECK(claim.name == "azure-snp");
  CHECK(claim.reasons.at(0).find("would be kvm-snp") != std::string::npos);
  CHECK(detect_platform(facts, "auto").name == "kvm-snp");
}

TEST_CASE("a report goes under its own label, and only when it carries what was asked for") {
  const MerkleHash root = merkle_leaf(as_bytes("statement"));
  SnpReport snp;
  snp.version = 3;
  snp.report_data = root;
  TdQuote td;
  td.version = 4;
  td.attestation_key_type = td_key_type_ecdsa_p256;
  td.tee_type = td_tee_type_tdx;
  td.body.report_data = root;

  Bundle bundle;
  hwio::HardwareReport report;
  report.report = encode_snp_report(snp);
  report.provider = "sev_guest";
  report.certificates = to_bytes("table");
  REQUIRE(put_report(report, root, bundle));
  CHECK(bundle.snp_report == report.report);
  CHECK(bundle.snp_certificates == report.certificates);
  CHECK(put_report(report, merkle_leaf(as_bytes("another")), bundle).error().code == Errc::mismatch);
  report.report.resize(0x50 + 63);
  CHECK_FALSE(put_report(report, root, bundle));

  Bundle second;
  report.report = encode_td_quote(td);
  report.provider = "tdx_guest";
  REQUIRE(put_report(report, root, second));
  CHECK(second.td_quote == report.report);
  CHECK(second.snp_report.empty());
  CHECK(second.snp_certificates.empty());
  CHECK(put_report(report, merkle_leaf(as_bytes("another")), second).error().code == Errc::mismatch);
  report.provider = "another_guest";
  CHECK(put_report(report, root, second).error().code == Errc::unsupported);
}

}  // namespace attestd::agent
