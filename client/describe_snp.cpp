#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_json_internal.h"
#include "evidence/snp_report.h"

namespace attestd {
namespace json = boost::json;

Result<json::value> describe_snp_report(ByteView bytes) {
  ATTESTD_TRY(const SnpReport report, parse_snp_report(bytes));
  json::object out{{"type", "snp-report"}};
  for (auto& [name, value] : snp_report_to_json(report, report.product())) out[name] = value;
  out["signature"] = {{"r", to_hex(report.signature_r)}, {"s", to_hex(report.signature_s)}};
  return out;
}

Result<json::value> describe_snp_certificates(ByteView bytes) {
  ATTESTD_TRY(const std::vector<SnpCertificate> table, parse_snp_certificate_table(bytes));
  json::array entries;
  for (const SnpCertificate& entry : table) {
    json::object out{{"guid", entry.guid}, {"bytes", entry.data.size()}};
    for (const auto& [guid, name] :
         {std::pair{snp_guid_vcek, "VCEK"}, std::pair{snp_guid_vlek, "VLEK"}, std::pair{snp_guid_ask, "ASK"},
          std::pair{snp_guid_ark, "ARK"}, std::pair{snp_guid_crl, "CRL"}}) {
      if (entry.guid == guid) out["name"] = name;
    }
    // The host may put anything there; what is no certificate is only counted.
    if (entry.guid != snp_guid_crl) {
      if (auto certificate = describe_certificates(entry.data)) {
        out["certificate"] = certificate->as_object()["certificates"].as_array().front();
      }
    }
    entries.emplace_back(std::move(out));
  }
  return json::object{{"type", "snp-certificates"}, {"entries", std::move(entries)}};
}

}  // namespace attestd
