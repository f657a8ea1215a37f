// An SEV-SNP guest under Coconut's SVSM, and one on Google's cloud.
#pragma once

#include "sim/platform.h"

namespace attestd::sim {

Result<std::unique_ptr<PlatformModel>> make_svsm_platform(const MachineOptions& options, const StatePaths& paths,
                                                          const Progress& progress);
Result<std::unique_ptr<PlatformModel>> make_gcp_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress);

}  // namespace attestd::sim
