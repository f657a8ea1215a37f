// The devices that the agent asks: opened here, or handed in by a test or the simulator.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/config.h"
#include "hwio/report_device.h"
#include "hwio/tpm.h"

namespace attestd::agent {

struct Devices {
  std::unique_ptr<hwio::ReportDevice> report;
  // Called on the report device's own thread whenever `report` is not there yet;
  // its error is the reason that askers get.
  std::function<Result<std::unique_ptr<hwio::ReportDevice>>()> open_report;
  // When set, no evidence is made without it.
  std::unique_ptr<hwio::Tpm> tpm;
  std::string tpm_absent = "no TPM was given";  // why `tpm` is not set
};

// Opens nothing yet; decides whether there is a TPM to need.
Devices system_devices(const Config& config);

}  // namespace attestd::agent
