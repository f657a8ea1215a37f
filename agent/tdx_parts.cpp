#include "agent/tdx_parts.h"

#include <string_view>
#include <utility>

#include "evidence/ccel.h"
#include "evidence/td_report.h"
#include "hwio/event_log_files.h"

namespace attestd::agent {
namespace {

std::string_view first_difference(const TdQuoteBody& quote, const TdReport& own) {
  if (quote.mrtd != own.mrtd) return "MRTD";
  if (quote.td_attributes != own.td_attributes) return "TD attributes";
  if (quote.xfam != own.xfam) return "XFAM";
  if (quote.mrconfigid != own.mrconfigid) return "MRCONFIGID";
  if (quote.mrowner != own.mrowner) return "MROWNER";
  if (quote.mrownerconfig != own.mrownerconfig) return "MROWNERCONFIG";
  return {};
}

Result<void> compare_with_own(hwio::IoctlDevice& device, const MerkleHash& root, ByteView td_quote) {
  ATTESTD_TRY(const TdQuote quote, parse_td_quote(td_quote));
  ATTESTD_TRY(const Bytes bytes, hwio::td_report(device, root));
  ATTESTD_TRY(const TdReport own, parse_td_report(bytes));
  const std::string_view field = first_difference(quote.body, own);
  if (field.empty()) return {};
  return fail(Errc::mismatch, "the host's quoting service gave the quote of another TD: its " + std::string(field) +
                                  " is not that of this one");
}

}  // namespace

ReportPart cc_event_log_part(std::string path) {
  return [path = std::move(path)](const MerkleHash& /*root*/, Bundle& into) -> Result<void> {
    if (path.empty()) return {};
    auto area = hwio::read_firmware_event_log(path);
    if (!area && area.error().code == Errc::not_found) return {};
    if (!area) return std::unexpected(std::move(area).error());
    into.cc_event_log = trim_cc_event_log(*area);
    return {};
  };
}

ReportPart same_td_part(TdxGuestOpener open) {
  return [open = std::move(open)](const MerkleHash& root, Bundle& into) -> Result<void> {
    if (into.td_quote.empty()) return {};
    auto device = open();
    if (!device && device.error().code == Errc::not_found) return {};
    if (!device) return std::unexpected(std::move(device).error());
    return compare_with_own(**device, root, into.td_quote);
  };
}

}  // namespace attestd::agent
