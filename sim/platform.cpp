#include "sim/platform.h"

#include <array>
#include <filesystem>

#include "base/text.h"
#include "hwio/configfs_tsm.h"
#include "sim/inprocess.h"
#include "sim/platform_aws.h"
#include "sim/platform_azure.h"
#include "sim/platform_snp.h"
#include "sim/platform_svsm.h"
#include "sim/platform_tdx.h"

namespace attestd::sim {
namespace {

using Maker = Result<std::unique_ptr<PlatformModel>> (*)(const MachineOptions&, const StatePaths&, const Progress&);

struct Entry {
  std::string_view name;
  Maker make;
};
constexpr std::array entries{
    Entry{"snp", make_snp_platform},
    Entry{"tdx", make_tdx_platform},
    Entry{"azure-snp", make_azure_snp_platform},
    Entry{"azure-tdx", make_azure_tdx_platform},
    Entry{"aws", make_aws_platform},
    Entry{"gcp", make_gcp_platform},
    Entry{"svsm", make_svsm_platform},
};

constexpr auto names = [] {
  std::array<std::string_view, entries.size()> out;
  for (std::size_t i = 0; i < entries.size(); ++i) out.at(i) = entries.at(i).name;
  return out;
}();

}  // namespace

std::span<const std::string_view> platform_names() { return names; }

Result<std::unique_ptr<PlatformModel>> make_platform(const MachineOptions& options, const StatePaths& paths,
                                                     const Progress& progress) {
  for (const Entry& entry : entries) {
    if (entry.name == options.platform) {
      // Of another platform's run; those that have them write them again.
      for (const std::string& stale : {paths.trust_vtpm_root, paths.trust_nitro_root}) {
        std::error_code error;
        std::filesystem::remove(stale, error);
        if (error) return fail(Errc::io, "cannot remove " + stale + ": " + error.message());
      }
      return entry.make(options, paths, progress);
    }
  }
  return fail(Errc::usage, "there is no platform \"" + options.platform + "\", only " + joined(names));
}

std::unique_ptr<hwio::ReportDevice> PlatformModel::report_device(TsmModel* tree) {
  return tree == nullptr ? nullptr : hwio::make_configfs_tsm(make_tsm_files(*tree));
}

}  // namespace attestd::sim
