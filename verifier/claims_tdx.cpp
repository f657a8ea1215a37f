#include "verifier/claims_tdx_internal.h"

#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "evidence/json_strict.h"
#include "evidence/td_json_internal.h"

namespace attestd {
namespace json = boost::json;
namespace {

json::object tcb_claims(const TdxTcb& tcb) {
  json::object out{
      {"status", tcb_status_name(tcb.status)},
      {"platform_status", tcb_status_name(tcb.platform)},
      {"qe_status", tcb_status_name(tcb.qe)},
      {"date", to_rfc3339(tcb.platform_date)},
      {"evaluation_data_number", tcb.tcb_evaluation_data_number},
      {"collateral_validity", json::array{to_rfc3339(tcb.collateral_from), to_rfc3339(tcb.collateral_to)}}};
  if (tcb.module) out["module_status"] = tcb_status_name(*tcb.module);
  if (tcb.after_relaunch) out["status_after_relaunch"] = tcb_status_name(*tcb.after_relaunch);
  json::array advisories;
  for (const std::string& advisory : tcb.advisories) advisories.emplace_back(to_valid_utf8(advisory));
  out["advisories"] = std::move(advisories);
  return out;
}

json::object platform_claims(const PckExtensions& pck) {
  json::object out{{"fmspc", to_hex(pck.fmspc)},
                   {"pce_id", to_hex(pck.pce_id)},
                   {"pcesvn", pck.pcesvn},
                   {"cpusvn", to_hex(pck.cpusvn)},
                   {"sgx_type", pck.sgx_type}};
  if (pck.platform_instance_id) out["platform_instance_id"] = to_hex(*pck.platform_instance_id);
  if (pck.smt_enabled) out["smt_enabled"] = *pck.smt_enabled;
  if (pck.dynamic_platform) out["dynamic_platform"] = *pck.dynamic_platform;
  return out;
}

}  // namespace

json::object tdx_claims(const TdxVerification& verification) {
  const TdQuote& quote = *verification.quote;
  json::object out = td_body_to_json(quote.body);
  out["quote_version"] = quote.version;
  if (verification.qe_report) out["qe_isvsvn"] = verification.qe_report->isvsvn;
  if (verification.pck) out["platform"] = platform_claims(*verification.pck);
  if (verification.tcb) out["tcb"] = tcb_claims(*verification.tcb);
  if (!verification.issuer.empty()) out["issuer"] = to_valid_utf8(verification.issuer);
  if (!verification.root_name.empty()) out["root"] = to_valid_utf8(verification.root_name);
  if (!verification.leaf_not_after.empty()) {
    out["certificate_validity"] = json::array{verification.leaf_not_before, verification.leaf_not_after};
  }
  return out;
}

}  // namespace attestd
