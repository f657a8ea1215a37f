#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/hcl_report.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace json = boost::json;

Result<json::value> describe_hcl_report(ByteView bytes) {
  ATTESTD_TRY(const HclReport report, parse_hcl_report(bytes));
  const bool snp = report.type == HclReportType::snp;
  json::object out{{"type", "hcl-report"},
                   {"version", report.version},
                   {"report_size", report.report_size},
                   {"request_type", report.request_type},
                   {"status", report.status},
                   {"report_type", snp ? "snp" : "tdx"},
                   {"hash", hash_name(report.hash)},
                   {"report_data_by_runtime_data", to_hex(report.expected_report_data())}};
  // Shown as it stands, members that we do not know too.
  auto runtime = parse_json(as_text(report.runtime_data));
  out["runtime_data"] = runtime ? *std::move(runtime) : json::value(to_hex(report.runtime_data));
  auto hardware = describe(snp ? EvidenceType::snp_report : EvidenceType::td_report, report.hardware_report);
  out["hardware_report"] = hardware ? *std::move(hardware) : json::value(to_hex(report.hardware_report));
  return out;
}

}  // namespace attestd
