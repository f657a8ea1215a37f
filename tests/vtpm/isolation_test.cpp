#include "vtpm/isolation.h"

#include "evidence/snp_report.h"
#include "evidence/svsm_manifest.h"
#include "evidence/tpm_attest.h"
#include "hwio/tpm.h"
#include "tests/catch.h"
#include "tests/vtpm/owner.h"

using namespace attestd;
using namespace attestd::test;
using vtpm::Isolator;

namespace {

// A TPM with a volume's storage root key.
struct Machine {
  Swtpm swtpm;
  Bytes srk_name = to_bytes(ByteView(vtpm::enrol(enrolment(swtpm.tcti(), Owner()))->binding.srk_name));

  [[nodiscard]] vtpm::IsolationRequest request(const std::string& platform = "auto") const {
    return {swtpm.tcti(), platform, srk_name, {}};
  }
  [[nodiscard]] Bytes endorsement_key() const {
    return hwio::Tpm::make({.tcti = swtpm.tcti()})->endorsement_key().value();
  }
};

// What an SVSM says of a vTPM with this endorsement key.
vtpm::AskSvsm svsm(const Bytes& endorsement_key, std::uint32_t vmpl = 0, bool other_nonce = false) {
  return [=](const FixedBytes<64>& nonce) -> Result<vtpm::SvsmAttestation> {
    SnpReport report;
    report.version = 2;
    report.vmpl = vmpl;
    report.report_data = svsm_report_data(other_nonce ? FixedBytes<64>{} : nonce, endorsement_key);
    return vtpm::SvsmAttestation{encode_snp_report(report), endorsement_key};
  };
}

void check_refused(const Result<vtpm::Isolation>& result, Errc code, const std::string& reason) {
  REQUIRE_FALSE(result);
  INFO(result.error().text());
  CHECK(result.error().code == code);
  CHECK(result.error().message.find(reason) != std::string::npos);
}

// An Azure machine: its AK at 0x81000003, and the paravisor's report in NV.
struct Azure : Machine {
  Azure() {
    REQUIRE(swtpm.tool("tpm2_createek -c ek.ctx -G rsa"));
    REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
    REQUIRE(swtpm.tool("tpm2_createprimary -C o -G rsa -c primary.ctx"));
    REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
    REQUIRE(
        swtpm.tool("tpm2_create -C primary.ctx -G rsa2048:rsassa-sha256:null -u ak.pub -r ak.priv -a "
                   "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
    REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
    REQUIRE(swtpm.tool("tpm2_load -C primary.ctx -u ak.pub -r ak.priv -c ak.ctx"));
    REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
    REQUIRE(swtpm.tool("tpm2_evictcontrol -C o -c ak.ctx 0x81000003"));
    REQUIRE(swtpm.tool("tpm2_flushcontext -t"));
    modulus =
        parse_tpm_public(
            hwio::Tpm::make({.tcti = swtpm.tcti(), .ak_handle = 0x81000003})->attestation_key().value().public_area)
            .value()
            .rsa_modulus;
  }
  [[nodiscard]] Bytes report(const Bytes& named, std::uint32_t vmpl = 0, bool other_data = false) const {
    HclRuntimeData data;
    data.keys = {{"HCLAkPub", {"sign"}, 65537, named}};
    HclReport hcl;
    hcl.runtime_data = to_bytes(encode_hcl_runtime_data(data));
    SnpReport snp;
    snp.version = 2;
    snp.vmpl = vmpl;
    if (!other_data) snp.report_data = hcl.expected_report_data();
    hcl.hardware_report = encode_snp_report(snp);
    return encode_hcl_report(hcl);
  }
  void store(const Bytes& contents) const {
    (void)swtpm.tool("tpm2_nvundefine 0x01400001");
    swtpm.folder().write("hcl", as_text(contents));
    REQUIRE(swtpm.tool("tpm2_nvdefine 0x01400001 -C o -s " + std::to_string(contents.size()) +
                       " -a 'ownerread|ownerwrite|authread|authwrite'"));
    REQUIRE(swtpm.tool("tpm2_nvwrite 0x01400001 -i hcl"));
  }
  Bytes modulus;
};

}  // namespace

TEST_CASE("a TPM that an SVSM attests is isolated, and that is proven") {
  const Machine machine;
  auto request = machine.request();
  request.svsm = svsm(machine.endorsement_key());
  const auto found = vtpm::find_isolation(request);
  REQUIRE(found);
  CHECK(found->by == Isolator::vmpl);
  CHECK(found->proven);
  CHECK(vtpm::require_isolation(*found, vtpm::Require::isolated));
}

TEST_CASE("an SVSM's evidence on another TPM, level or nonce is refused") {
  const Machine machine;
  const Machine other;
  auto request = machine.request();
  request.svsm = svsm(other.endorsement_key());
  check_refused(vtpm::find_isolation(request), Errc::refused, "another endorsement key");
  request.svsm = svsm(machine.endorsement_key(), 2);
  check_refused(vtpm::find_isolation(request), Errc::refused, "VMPL 2");
  request.svsm = svsm(machine.endorsement_key(), 0, true);
  check_refused(vtpm::find_isolation(request), Errc::refused, "another nonce");
  request.svsm = svsm(machine.endorsement_key());
  request.srk_name = other.srk_name;
  check_refused(vtpm::find_isolation(request), Errc::mismatch, "is not the enrolled one");
}

TEST_CASE("under a paravisor its report has to name the key that certifies the storage root key") {
  const Azure machine;
  machine.store(machine.report(machine.modulus));
  const auto found = vtpm::find_isolation(machine.request("azure-snp"));
  INFO((found ? std::string() : found.error().text()));
  REQUIRE(found);
  CHECK(found->by == Isolator::paravisor);
  CHECK_FALSE(found->proven);
  CHECK(vtpm::require_isolation(*found, vtpm::Require::isolated));

  Bytes another = machine.modulus;
  another[17] ^= std::byte{1};
  machine.store(machine.report(another));
  check_refused(vtpm::find_isolation(machine.request("azure-snp")), Errc::refused, "not the one that the paravisor");
  machine.store(machine.report(machine.modulus, 2));
  check_refused(vtpm::find_isolation(machine.request("azure-snp")), Errc::refused, "VMPL 2");
  machine.store(machine.report(machine.modulus, 0, true));
  check_refused(vtpm::find_isolation(machine.request("azure-snp")), Errc::refused, "other runtime data");
}

TEST_CASE("what nobody but the host says isolates nothing") {
  const Machine machine;
  for (const std::string platform : {"auto", "kvm-snp", "kvm-tdx", "gcp-snp", "svsm-snp"}) {
    const auto found = vtpm::find_isolation(machine.request(platform));
    REQUIRE(found);
    CHECK(found->by == Isolator::host);
    const auto refused = vtpm::require_isolation(*found, vtpm::Require::isolated);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    CHECK(vtpm::require_isolation(*found, vtpm::Require::any));
  }
  const auto nitro = vtpm::find_isolation(machine.request("aws-snp"));
  REQUIRE(nitro);
  CHECK(nitro->by == Isolator::nitro);
  CHECK_FALSE(nitro->proven);
}
