#include "base/encoding.h"
#include "base/hex_number.h"
#include "evidence/td_json_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

json::object attributes_to_json(const TdAttributes& value) {
  return {{"raw", hex_number(value.raw)},
          {"debug", value.under_debug_group()},
          {"lass", value.lass()},
          {"sept_ve_disable", value.sept_ve_disable()},
          {"migratable", value.migratable()},
          {"pks", value.pks()},
          {"key_locker", value.key_locker()},
          {"perfmon", value.perfmon()}};
}

}  // namespace

json::array rtmrs_to_json(const Rtmrs& rtmrs) {
  json::array out;
  for (const auto& rtmr : rtmrs) out.emplace_back(to_hex(rtmr));
  return out;
}

json::object td_body_to_json(const TdQuoteBody& body) {
  json::object out{{"tee_tcb_svn", to_hex(body.tee_tcb_svn)},
                   {"mrseam", to_hex(body.mrseam)},
                   {"mrsignerseam", to_hex(body.mrsignerseam)},
                   {"seam_attributes", hex_number(body.seam_attributes)},
                   {"td_attributes", attributes_to_json(body.td_attributes)},
                   {"xfam", hex_number(body.xfam)},
                   {"mrtd", to_hex(body.mrtd)},
                   {"mrconfigid", to_hex(body.mrconfigid)},
                   {"mrowner", to_hex(body.mrowner)},
                   {"mrownerconfig", to_hex(body.mrownerconfig)},
                   {"rtmrs", rtmrs_to_json(body.rtmrs)},
                   {"report_data", to_hex(body.report_data)}};
  if (body.type == TdBodyType::td_15) {
    out["tee_tcb_svn_2"] = to_hex(body.tee_tcb_svn_2);
    out["mrservicetd"] = to_hex(body.mrservicetd);
  }
  return out;
}

}  // namespace attestd
