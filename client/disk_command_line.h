// The options of attestctl disk. CLI11 is in here.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "client/disk.h"

namespace attestd {

struct DiskCommands {
  DiskStatusOptions status;
  DiskEnrollOptions enroll;
  DiskRotateOptions rotate;
  DiskRemoveOptions remove;
  DiskServeOptions serve;
  double timeout_s = 60;
};

// All four must live as long as `app`. The command that was chosen becomes `action`.
void add_disk_commands(CLI::App& app, CommonOptions& common, DiskCommands& disk, std::function<Result<int>()>& action);

}  // namespace attestd
