// TCB info and QE identity in the shape of Intel's PCS API version 4.
#include "base/encoding.h"
#include "base/text.h"
#include "sim/signer/tdx_signer.h"

namespace attestd::sim {
namespace {

std::string member(std::string_view name, std::string_view value) {
  return "\"" + std::string(name) + "\":" + std::string(value);
}
std::string text(std::string_view name, std::string_view value) {
  return member(name, "\"" + std::string(value) + "\"");
}
std::string hex(std::string_view name, ByteView value) { return text(name, to_hex(value)); }
std::string number(std::string_view name, std::uint64_t value) { return member(name, std::to_string(value)); }
std::string time(std::string_view name, std::int64_t value) { return text(name, to_rfc3339(value)); }

template <class Range, class Encode>
std::string list(std::string_view name, const Range& range, Encode encode) {
  return member(name, "[" + joined(std::views::transform(range, encode), ",") + "]");
}

std::string verdict(const TcbVerdict& verdict) {
  std::string out = time("tcbDate", verdict.date) + "," + text("tcbStatus", tcb_status_name(verdict.status));
  if (!verdict.advisories.empty()) {
    out += "," + list("advisoryIDs", verdict.advisories, [](const std::string& id) { return "\"" + id + "\""; });
  }
  return out;
}

std::string components(std::string_view name, const std::array<std::uint8_t, 16>& svns) {
  return list(name, svns, [](std::uint8_t svn) { return "{" + number("svn", svn) + "}"; });
}

std::string tcb_level(const TcbLevel& level) {
  return "{" +
         member("tcb", "{" + components("sgxtcbcomponents", level.sgx_components) + "," +
                           number("pcesvn", level.pcesvn) + "," + components("tdxtcbcomponents", level.tdx_components) +
                           "}") +
         "," + verdict(level.verdict) + "}";
}

std::string svn_levels(const std::vector<IsvSvnLevel>& levels) {
  return list("tcbLevels", levels, [](const IsvSvnLevel& level) {
    return "{" + member("tcb", "{" + number("isvsvn", level.isvsvn) + "}") + "," + verdict(level.verdict) + "}";
  });
}

std::string module_members(const TdxModule& module) {
  return hex("mrsigner", module.mrsigner) + "," + hex("attributes", module.attributes) + "," +
         hex("attributesMask", module.attributes_mask);
}

}  // namespace

std::string encode_tdx_tcb_info(const TdxTcbInfo& info) {
  std::string out = "{" + text("id", "TDX") + "," + number("version", 3) + "," + time("issueDate", info.issue_date) +
                    "," + time("nextUpdate", info.next_update) + "," + hex("fmspc", info.fmspc) + "," +
                    hex("pceId", info.pce_id) + "," + number("tcbType", 0) + "," +
                    number("tcbEvaluationDataNumber", info.evaluation_data_number) + "," +
                    member("tdxModule", "{" + module_members(info.module) + "}") + ",";
  if (!info.module_identities.empty()) {
    out +=
        list("tdxModuleIdentities", info.module_identities,
             [](const TdxModuleIdentity& one) {
               return "{" + text("id", one.id) + "," + module_members(one.module) + "," + svn_levels(one.levels) + "}";
             }) +
        ",";
  }
  return out + list("tcbLevels", info.levels, tcb_level) + "}";
}

std::string encode_tdx_qe_identity(const TdxQeIdentity& identity) {
  return "{" + text("id", "TD_QE") + "," + number("version", 2) + "," + time("issueDate", identity.issue_date) + "," +
         time("nextUpdate", identity.next_update) + "," +
         number("tcbEvaluationDataNumber", identity.evaluation_data_number) + "," +
         hex("miscselect", identity.miscselect) + "," + hex("miscselectMask", identity.miscselect_mask) + "," +
         hex("attributes", identity.attributes) + "," + hex("attributesMask", identity.attributes_mask) + "," +
         hex("mrsigner", identity.mrsigner) + "," + number("isvprodid", identity.isvprodid) + "," +
         svn_levels(identity.levels) + "}";
}

}  // namespace attestd::sim
