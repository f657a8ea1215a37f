// Azure: a paravisor holds the hardware, and the guest gets a vTPM with its report,
// and a metadata service.
#pragma once

#include "sim/platform.h"

namespace attestd::sim {

Result<std::unique_ptr<PlatformModel>> make_azure_snp_platform(const MachineOptions& options, const StatePaths& paths,
                                                               const Progress& progress);

Result<std::unique_ptr<PlatformModel>> make_azure_tdx_platform(const MachineOptions& options, const StatePaths& paths,
                                                               const Progress& progress);

}  // namespace attestd::sim
