// An AWS instance: SEV-SNP whose reports a VLEK signs, and a NitroTPM.
#pragma once

#include "sim/platform.h"

namespace attestd::sim {

Result<std::unique_ptr<PlatformModel>> make_aws_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress);

}  // namespace attestd::sim
