#include "agent/azure_evidence.h"

#include <algorithm>

#include "evidence/digest.h"
#include "evidence/snp_report.h"
#include "evidence/td_quote.h"

namespace attestd::agent {
namespace {

// The certificates are those of a chip at a TCB, whatever else a report says.
Bytes chip_and_tcb(const SnpReport& report) { return Writer().raw(report.chip_id).le64(report.reported_tcb).take(); }

}  // namespace

Result<HclReport> AzureEvidence::read_report(hwio::Tpm& tpm, const MerkleHash& root, Bytes& raw) {
  // Older paravisors show no user data, and other software may write there too: the
  // vTPM's quote binds the statement all the same.
  std::string refused;
  if (options_.user_data) {
    if (const auto written = tpm.nv_write(hcl_user_data_nv_index, root); !written) refused = written.error().text();
  }
  ATTESTD_TRY(raw, tpm.nv_read(hcl_report_nv_index));
  auto report = parse_hcl_report(raw);
  if (!report) return std::unexpected(std::move(report).error().in("the vTPM's NV index 0x01400001"));
  // The index is padded to its size, which says nothing: leave that out.
  raw.resize(hcl_header_size + hcl_hardware_report_size + hcl_data_header_size + report->runtime_data.size());
  if (!refused.empty()) problem_ = "the vTPM takes no user data: " + refused;
  return report;
}

Result<Bytes> AzureEvidence::vcek_certificates(const HclReport& report) {
  ATTESTD_TRY(const SnpReport snp, parse_snp_report(report.hardware_report));
  const Bytes key = chip_and_tcb(snp);
  if (key == certificates_key_) return certificates_;
  auto fetched = fetch_vcek_from_imds(options_, fetch_);
  if (!fetched && !options_.key_service.empty()) {
    const std::string first = fetched.error().text();
    fetched = fetch_vcek_from_kds(options_, report.hardware_report, fetch_);
    if (!fetched) return std::unexpected(std::move(fetched).error().in(first + "; then"));
  }
  if (fetched) {
    certificates_key_ = key;
    certificates_ = *fetched;
  }
  return fetched;
}

Result<Bytes> AzureEvidence::td_quote(const HclReport& report) {
  const Bytes key = digest(HashAlgorithm::sha256, {report.hardware_report});
  if (key == quote_key_) return quote_;
  ATTESTD_TRY(Bytes fetched, fetch_td_quote_from_imds(options_, report.hardware_report, fetch_));
  // A quote of another TD would be refused by whoever verifies it: say so here,
  // where the reason is known. Nothing is believed for it.
  auto quote = parse_td_quote(fetched);
  if (!quote) return std::unexpected(std::move(quote).error().in("the metadata service's TD quote"));
  if (quote->body.report_data != report.expected_report_data()) {
    return fail(Errc::mismatch, "the metadata service's TD quote is not of this VM's report");
  }
  quote_key_ = key;
  quote_ = fetched;
  return fetched;
}

Result<void> AzureEvidence::collect(hwio::Tpm& tpm, const MerkleHash& root, Bundle& into) {
  problem_.clear();
  ATTESTD_TRY(const HclReport report, read_report(tpm, root, into.hcl_report));
  if (report.type == HclReportType::tdx) {
    ATTESTD_TRY(into.td_quote, td_quote(report));
    return {};
  }
  auto certificates = vcek_certificates(report);
  if (certificates) {
    into.certificates = *std::move(certificates);
  } else {
    problem_ = "there are no certificates of the VCEK: " + certificates.error().text();
  }
  return {};
}

}  // namespace attestd::agent
