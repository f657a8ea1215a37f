#include "evidence/dcap_collateral.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <limits>

#include "base/encoding.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t maximal_levels = 256;
constexpr std::size_t maximal_advisories = 256;
constexpr std::size_t longest_advisory = 64;

constexpr std::array<std::pair<TcbStatus, std::string_view>, 7> statuses{{
    {TcbStatus::up_to_date, "UpToDate"},
    {TcbStatus::sw_hardening_needed, "SWHardeningNeeded"},
    {TcbStatus::configuration_needed, "ConfigurationNeeded"},
    {TcbStatus::configuration_and_sw_hardening_needed, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::out_of_date, "OutOfDate"},
    {TcbStatus::out_of_date_configuration_needed, "OutOfDateConfigurationNeeded"},
    {TcbStatus::revoked, "Revoked"},
}};

template <std::size_t N>
Result<FixedBytes<N>> hex(const JsonMembers& from, std::string_view name) {
  ATTESTD_TRY(const std::string text, from.string(name));
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != N) {
    return fail(Errc::malformed, from.place(name) + " is not " + std::to_string(N) + " bytes in hexadecimal");
  }
  FixedBytes<N> out;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<std::int64_t> time(const JsonMembers& from, std::string_view name) {
  ATTESTD_TRY(const std::string text, from.string(name));
  const auto seconds = from_rfc3339(text);
  if (!seconds) return fail(Errc::malformed, from.place(name) + " is no time: " + seconds.error().text());
  return *seconds;
}

Result<void> expect_version(const JsonMembers& from, std::uint64_t expected) {
  ATTESTD_TRY(const std::uint64_t version, from.unsigned_integer("version", std::numeric_limits<std::uint32_t>::max()));
  if (version != expected) {
    return fail(Errc::unsupported,
                from.place("version") + " is " + std::to_string(version) + ", not " + std::to_string(expected));
  }
  return {};
}

Result<void> expect_id(const JsonMembers& from, std::string_view expected) {
  ATTESTD_TRY(const std::string id, from.string("id"));
  if (id != expected) return fail(Errc::unsupported, from.place("id") + " is not " + std::string(expected));
  return {};
}

std::optional<TcbStatus> status_named(std::string_view name) {
  const auto* const known = std::ranges::find(statuses, name, &decltype(statuses)::value_type::second);
  if (known == statuses.end()) return std::nullopt;
  return known->first;
}

// tcbStatus, tcbDate and advisoryIDs of a level.
Result<TcbVerdict> verdict(const JsonMembers& level) {
  TcbVerdict out;
  ATTESTD_TRY(const std::string status, level.string("tcbStatus"));
  const auto known = status_named(status);
  if (!known) return fail(Errc::unsupported, level.place("tcbStatus") + " is none that we know");
  out.status = *known;
  ATTESTD_TRY(out.date, time(level, "tcbDate"));
  if (level.find("advisoryIDs") != nullptr) {
    ATTESTD_TRY(out.advisories, level.strings("advisoryIDs", maximal_advisories));
    for (const std::string& advisory : out.advisories) {
      if (advisory.size() > longest_advisory)
        return fail(Errc::out_of_range, level.place("advisoryIDs") + " is too long");
    }
  }
  return out;
}

// [{"svn": 5, …}, …], 16 of them.
Result<std::array<std::uint8_t, 16>> components(const JsonMembers& tcb, std::string_view name) {
  std::array<std::uint8_t, 16> out{};
  ATTESTD_TRY(const json::array* const list, tcb.array(name, out.size()));
  if (list->size() != out.size()) return fail(Errc::malformed, tcb.place(name) + " has not 16 components");
  for (std::size_t i = 0; i < out.size(); ++i) {
    ATTESTD_TRY(const JsonMembers component, JsonMembers::of((*list)[i], tcb.place(name)));
    ATTESTD_TRY(const std::uint64_t svn, component.unsigned_integer("svn", std::numeric_limits<std::uint8_t>::max()));
    out[i] = static_cast<std::uint8_t>(svn);
  }
  return out;
}

Result<std::uint16_t> svn16(const JsonMembers& from, std::string_view name) {
  ATTESTD_TRY(const std::uint64_t value, from.unsigned_integer(name, std::numeric_limits<std::uint16_t>::max()));
  return static_cast<std::uint16_t>(value);
}

Result<JsonMembers> child(const JsonMembers& from, std::string_view name) {
  ATTESTD_TRY(const json::value* const value, from.member(name));
  return JsonMembers::of(*value, from.place(name));
}

Result<std::vector<TcbLevel>> tcb_levels(const JsonMembers& info) {
  ATTESTD_TRY(const json::array* const list, info.array("tcbLevels", maximal_levels));
  std::vector<TcbLevel> out;
  for (const json::value& value : *list) {
    ATTESTD_TRY(const JsonMembers level, JsonMembers::of(value, info.place("tcbLevels")));
    ATTESTD_TRY(const JsonMembers tcb, child(level, "tcb"));
    TcbLevel& one = out.emplace_back();
    ATTESTD_TRY(one.sgx_components, components(tcb, "sgxtcbcomponents"));
    ATTESTD_TRY(one.pcesvn, svn16(tcb, "pcesvn"));
    ATTESTD_TRY(one.tdx_components, components(tcb, "tdxtcbcomponents"));
    ATTESTD_TRY(one.verdict, verdict(level));
  }
  return out;
}

Result<std::vector<IsvSvnLevel>> svn_levels(const JsonMembers& identity) {
  ATTESTD_TRY(const json::array* const list, identity.array("tcbLevels", maximal_levels));
  std::vector<IsvSvnLevel> out;
  for (const json::value& value : *list) {
    ATTESTD_TRY(const JsonMembers level, JsonMembers::of(value, identity.place("tcbLevels")));
    ATTESTD_TRY(const JsonMembers tcb, child(level, "tcb"));
    IsvSvnLevel& one = out.emplace_back();
    ATTESTD_TRY(one.isvsvn, svn16(tcb, "isvsvn"));
    ATTESTD_TRY(one.verdict, verdict(level));
  }
  // Intel sorts them so; what follows relies on it.
  std::ranges::stable_sort(out, std::ranges::greater(), &IsvSvnLevel::isvsvn);
  return out;
}

Result<TdxModule> module_of(const JsonMembers& from) {
  TdxModule out;
  ATTESTD_TRY(out.mrsigner, hex<48>(from, "mrsigner"));
  ATTESTD_TRY(out.attributes, hex<8>(from, "attributes"));
  ATTESTD_TRY(out.attributes_mask, hex<8>(from, "attributesMask"));
  return out;
}

Result<std::vector<TdxModuleIdentity>> module_identities(const JsonMembers& info) {
  std::vector<TdxModuleIdentity> out;
  if (info.find("tdxModuleIdentities") == nullptr) return out;
  ATTESTD_TRY(const json::array* const list, info.array("tdxModuleIdentities", maximal_levels));
  for (const json::value& value : *list) {
    ATTESTD_TRY(const JsonMembers identity, JsonMembers::of(value, info.place("tdxModuleIdentities")));
    TdxModuleIdentity& one = out.emplace_back();
    ATTESTD_TRY(one.id, identity.string("id"));
    ATTESTD_TRY(one.module, module_of(identity));
    ATTESTD_TRY(one.levels, svn_levels(identity));
  }
  return out;
}

Result<std::uint32_t> evaluation_number(const JsonMembers& from) {
  ATTESTD_TRY(const std::uint64_t value,
              from.unsigned_integer("tcbEvaluationDataNumber", std::numeric_limits<std::uint32_t>::max()));
  return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string_view tcb_status_name(TcbStatus status) {
  const auto* const known = std::ranges::find(statuses, status, &decltype(statuses)::value_type::first);
  return known == statuses.end() ? "" : known->second;
}

Result<TdxTcbInfo> parse_tdx_tcb_info(std::string_view body) {
  ATTESTD_TRY(const json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers info, JsonMembers::of(document, "tcbInfo"));
  ATTESTD_CHECK(expect_id(info, "TDX"));
  ATTESTD_CHECK(expect_version(info, 3));
  ATTESTD_TRY(const std::uint64_t type, info.unsigned_integer("tcbType", std::numeric_limits<std::uint32_t>::max()));
  if (type != 0) return fail(Errc::unsupported, "tcbInfo.tcbType is not 0");
  TdxTcbInfo out;
  ATTESTD_TRY(out.issue_date, time(info, "issueDate"));
  ATTESTD_TRY(out.next_update, time(info, "nextUpdate"));
  ATTESTD_TRY(out.fmspc, hex<6>(info, "fmspc"));
  ATTESTD_TRY(out.pce_id, hex<2>(info, "pceId"));
  ATTESTD_TRY(out.evaluation_data_number, evaluation_number(info));
  ATTESTD_TRY(const JsonMembers module, child(info, "tdxModule"));
  ATTESTD_TRY(out.module, module_of(module));
  ATTESTD_TRY(out.module_identities, module_identities(info));
  ATTESTD_TRY(out.levels, tcb_levels(info));
  return out;
}

Result<TdxQeIdentity> parse_tdx_qe_identity(std::string_view body) {
  ATTESTD_TRY(const json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers identity, JsonMembers::of(document, "enclaveIdentity"));
  ATTESTD_CHECK(expect_id(identity, "TD_QE"));
  ATTESTD_CHECK(expect_version(identity, 2));
  TdxQeIdentity out;
  ATTESTD_TRY(out.issue_date, time(identity, "issueDate"));
  ATTESTD_TRY(out.next_update, time(identity, "nextUpdate"));
  ATTESTD_TRY(out.evaluation_data_number, evaluation_number(identity));
  ATTESTD_TRY(out.miscselect, hex<4>(identity, "miscselect"));
  ATTESTD_TRY(out.miscselect_mask, hex<4>(identity, "miscselectMask"));
  ATTESTD_TRY(out.attributes, hex<16>(identity, "attributes"));
  ATTESTD_TRY(out.attributes_mask, hex<16>(identity, "attributesMask"));
  ATTESTD_TRY(out.mrsigner, hex<32>(identity, "mrsigner"));
  ATTESTD_TRY(out.isvprodid, svn16(identity, "isvprodid"));
  ATTESTD_TRY(out.levels, svn_levels(identity));
  return out;
}

}  // namespace attestd
