#include "agent/report_kind.h"

#include <algorithm>
#include <array>

#include "evidence/svsm_manifest.h"
#include "evidence/td_quote.h"

namespace attestd::agent {
namespace {

// SEV-SNP ABI 56860 section 7.3, table 23: REPORT_DATA.
constexpr std::size_t report_data_offset = 0x50;

Result<FixedBytes<64>> report_data_of_snp(ByteView report) {
  FixedBytes<64> out{};
  if (report.size() < report_data_offset + out.size()) return fail(Errc::truncated, "the report is too short");
  const ByteView place = report.subspan(report_data_offset, out.size());
  std::copy(place.begin(), place.end(), out.begin());
  return out;
}

Result<FixedBytes<64>> report_data_of_td(ByteView report) {
  ATTESTD_TRY(const TdQuote quote, parse_td_quote(report));
  return quote.body.report_data;
}

struct ReportKind {
  std::string_view provider;
  Result<FixedBytes<64>> (*report_data)(ByteView report);
  Bytes Bundle::* part;
};
constexpr std::array kinds{
    ReportKind{"sev_guest", report_data_of_snp, &Bundle::snp_report},
    ReportKind{"tdx_guest", report_data_of_td, &Bundle::td_quote},
};

}  // namespace

Result<void> put_report(hwio::HardwareReport report, const MerkleHash& root, Bundle& into) {
  const auto* const kind = std::ranges::find(kinds, report.provider, &ReportKind::provider);
  if (kind == kinds.end()) {
    return fail(Errc::unsupported, "the provider is \"" + report.provider + "\", which no part of a bundle is for");
  }
  ATTESTD_TRY(const FixedBytes<64> carried, kind->report_data(report.report));
  // An SVSM hashes the services' manifest into what it asks the hardware for.
  const FixedBytes<64> expected = report.manifest.empty() ? root : svsm_report_data(root, report.manifest);
  if (carried != expected) return fail(Errc::mismatch, "the report does not carry the data that it was asked for");
  into.svsm_manifest = std::move(report.manifest);
  into.*kind->part = std::move(report.report);
  // Of SEV-SNP alone: the host's table.
  if (kind->part == &Bundle::snp_report) into.snp_certificates = std::move(report.certificates);
  return {};
}

}  // namespace attestd::agent
