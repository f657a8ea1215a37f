#include "vtpm/isolation.h"

#include <algorithm>

#include "base/random.h"
#include "evidence/snp_report.h"
#include "evidence/svsm_manifest.h"
#include "hwio/tpm_context.h"

namespace attestd::vtpm {
namespace {

// Intel TDX Module 1.5 ABI, REPORTMACSTRUCT: REPORTDATA.
constexpr std::size_t td_report_data_offset = 128;

std::unexpected<Error> another_vmpl(std::uint32_t vmpl, std::string_view whose) {
  // Any level may ask for its own: the guest's kernel included.
  return fail(Errc::refused, "the report on the vTPM is for VMPL " + std::to_string(vmpl) + ", so it is not the " +
                                 std::string(whose) + "'s");
}

Result<Isolation> by_svsm(const IsolationRequest& request) {
  ATTESTD_TRY(const Bytes random, random_bytes(64));
  FixedBytes<64> nonce{};
  std::ranges::copy(random, nonce.begin());
  ATTESTD_TRY(const SvsmAttestation attestation, request.svsm(nonce));
  ATTESTD_TRY(const Bytes area, svsm_bound_key(attestation, nonce));
  ATTESTD_CHECK(prove_endorsement(request.tcti, area, request.srk_name));
  return Isolation{Isolator::vmpl, true, "the SVSM at VMPL 0 attests the endorsement key of this TPM"};
}

Result<Bytes> hcl_report_of(const std::string& tcti) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(tcti));
  return hwio::read_nv_index(context.get(), hcl_report_nv_index);
}

Result<Isolation> by_paravisor(const IsolationRequest& request) {
  ATTESTD_TRY(const Bytes report, hcl_report_of(request.tcti));
  ATTESTD_TRY(const HclKey key, hcl_bound_key(report));
  ATTESTD_CHECK(prove_attestation_key(request.tcti, key, request.srk_name));
  return Isolation{Isolator::paravisor, false,
                   "the image says that it runs under Azure's paravisor, whose report names this TPM's key"};
}

}  // namespace

std::string_view to_string(Isolator isolator) {
  switch (isolator) {
    case Isolator::vmpl: return "vmpl";
    case Isolator::paravisor: return "paravisor";
    case Isolator::nitro: return "nitro";
    case Isolator::host: break;
  }
  return "host";
}

Result<Isolation> find_isolation(const IsolationRequest& request) {
  if (request.svsm) return by_svsm(request);
  if (request.platform.starts_with("azure-")) return by_paravisor(request);
  if (request.platform.starts_with("aws-")) {
    return Isolation{Isolator::nitro, false, "the image says that it runs on AWS, where Nitro keeps the TPM"};
  }
  return Isolation{Isolator::host, false,
                   "nothing that the host cannot say too shows that anybody keeps the TPM from the host"};
}

Result<void> require_isolation(const Isolation& isolation, Require require) {
  if (require == Require::any || isolation.by != Isolator::host) return {};
  return fail(Errc::refused,
              "no secret is asked of this TPM: " + isolation.reason + " (rd.attestd.vtpm=any allows it)");
}

Result<Bytes> svsm_bound_key(const SvsmAttestation& attestation, const FixedBytes<64>& nonce) {
  ATTESTD_TRY(const SnpReport report, parse_snp_report(attestation.report));
  if (report.vmpl != 0) return another_vmpl(report.vmpl, "SVSM");
  if (report.report_data != svsm_report_data(nonce, attestation.manifest)) {
    return fail(Errc::refused, "the SVSM's report binds another nonce, or another manifest");
  }
  ATTESTD_CHECK(svsm_endorsement_key(attestation.manifest));
  return svsm_endorsement_area(attestation.manifest);
}

Result<HclKey> hcl_bound_key(ByteView nv_contents) {
  ATTESTD_TRY(const HclReport hcl, parse_hcl_report(nv_contents));
  FixedBytes<64> bound{};
  if (hcl.type == HclReportType::snp) {
    ATTESTD_TRY(const SnpReport report, parse_snp_report(hcl.hardware_report));
    if (report.vmpl != 0) return another_vmpl(report.vmpl, "paravisor");
    bound = report.report_data;
  } else {
    Reader reader(hcl.hardware_report);
    ATTESTD_CHECK(reader.skip(td_report_data_offset, "TDREPORT"));
    ATTESTD_TRY(bound, reader.fixed<64>("report data"));
  }
  if (bound != hcl.expected_report_data()) {
    return fail(Errc::refused, "the paravisor's report binds other runtime data than stands beside it");
  }
  ATTESTD_TRY(const HclRuntimeData data, parse_hcl_runtime_data(hcl.runtime_data));
  const HclKey* const key = data.attestation_key();
  if (key == nullptr) return fail(Errc::refused, "the paravisor's report names no attestation key, or several");
  return *key;
}

}  // namespace attestd::vtpm
