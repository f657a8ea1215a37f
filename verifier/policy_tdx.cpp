// The policy's [tdx].
#include <array>

#include "base/encoding.h"
#include "verifier/policy_internal.h"

namespace attestd {
namespace {

constexpr std::size_t register_size = 48;
constexpr std::size_t xfam_size = 8;

Result<void> read_rtmrs(TomlSection& tdx, TdxPolicy& policy) {
  ATTESTD_TRY(auto section, tdx.section("rtmrs"));
  if (!section) return {};
  constexpr std::array<std::string_view, 4> names{"0", "1", "2", "3"};
  for (unsigned index = 0; index < names.size(); ++index) {
    ATTESTD_TRY(auto value, section->hex(names[index], register_size));
    if (value) policy.rtmrs[index] = *std::move(value);
  }
  return section->finish();
}

}  // namespace

Result<void> read_tdx_policy(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("tdx"));
  if (!section) return {};
  policy.names_tdx = true;
  TdxPolicy& tdx = policy.tdx;
  ATTESTD_TRY(const auto debug, section->boolean("debug"));
  assign(tdx.allow_debug, debug);
  ATTESTD_TRY(const auto migratable, section->boolean("migratable"));
  assign(tdx.allow_migration, migratable);
  ATTESTD_TRY(tdx.sept_ve_disable, section->boolean("sept-ve-disable"));
  ATTESTD_TRY(auto xfam, section->hex_list("xfam", xfam_size));
  assign(tdx.xfam, std::move(xfam));
  ATTESTD_TRY(auto statuses, section->names("tcb-status", {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
                                                           "ConfigurationAndSWHardeningNeeded", "OutOfDate",
                                                           "OutOfDateConfigurationNeeded"}));
  assign(tdx.tcb_statuses, std::move(statuses));
  const std::pair<std::string_view, std::vector<Bytes>*> lists[] = {{"mrseam", &tdx.mrseam},
                                                                    {"mrconfigid", &tdx.mrconfigid},
                                                                    {"mrowner", &tdx.mrowner},
                                                                    {"mrownerconfig", &tdx.mrownerconfig}};
  for (const auto& [key, into] : lists) {
    ATTESTD_TRY(auto values, section->hex_list(key, register_size));
    assign(*into, std::move(values));
  }
  ATTESTD_CHECK(read_measurements(*section, tdx.measurements));
  ATTESTD_CHECK(read_rtmrs(*section, tdx));
  return section->finish();
}

}  // namespace attestd
