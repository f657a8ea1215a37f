#include "verifier/claims_tdx_internal.h"

#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

std::string hex64(std::uint64_t value) { return to_hex(Writer().be64(value).bytes()); }

json::object attribute_claims(const TdAttributes& attributes) {
  return {{"raw", hex64(attributes.raw)},
          {"debug", attributes.under_debug_group()},
          {"sept_ve_disable", attributes.sept_ve_disable()},
          {"migratable", attributes.migratable()},
          {"pks", attributes.pks()},
          {"key_locker", attributes.key_locker()},
          {"perfmon", attributes.perfmon()}};
}

json::object body_claims(const TdQuoteBody& body) {
  json::object out{{"tee_tcb_svn", to_hex(body.tee_tcb_svn)},
                   {"mrseam", to_hex(body.mrseam)},
                   {"mrsignerseam", to_hex(body.mrsignerseam)},
                   {"seam_attributes", hex64(body.seam_attributes)},
                   {"td_attributes", attribute_claims(body.td_attributes)},
                   {"xfam", hex64(body.xfam)},
                   {"mrtd", to_hex(body.mrtd)},
                   {"mrconfigid", to_hex(body.mrconfigid)},
                   {"mrowner", to_hex(body.mrowner)},
                   {"mrownerconfig", to_hex(body.mrownerconfig)},
                   {"report_data", to_hex(body.report_data)}};
  json::array rtmrs;
  for (const auto& value : body.rtmrs) rtmrs.emplace_back(to_hex(value));
  out["rtmrs"] = std::move(rtmrs);
  if (body.type == TdBodyType::td_15) {
    out["tee_tcb_svn_2"] = to_hex(body.tee_tcb_svn_2);
    out["mrservicetd"] = to_hex(body.mrservicetd);
  }
  return out;
}

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
  json::object out = body_claims(quote.body);
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
