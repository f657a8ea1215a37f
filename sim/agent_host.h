// attestd in the simulator's own process, over in-process devices: a software
// CVM for machines that have no FUSE.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "hwio/report_device.h"

namespace attestd::sim {

class AgentHost {
 public:
  // Serves at the socket that the configuration file names, with `report` for
  // the hardware and all else as configured. `report` must not outlive its PSP.
  static Result<std::unique_ptr<AgentHost>> start(const std::string& config_path,
                                                  std::unique_ptr<hwio::ReportDevice> report);
  virtual ~AgentHost() = default;  // lets requests under way finish
};

}  // namespace attestd::sim
