// The devices that the agent asks: opened here, or handed in by a test or the simulator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "hwio/report_device.h"
#include "hwio/tpm.h"
#include "net/http_fetch.h"

namespace attestd::agent {

// Further parts of the bundle, asked on the device's own thread: with the report
// (files that the firmware left), or with the TPM after each quote.
using ReportPart = std::function<Result<void>(const MerkleHash& root, Bundle& into)>;
using TpmPart = std::function<Result<void>(hwio::Tpm& tpm, const MerkleHash& root, Bundle& into)>;

struct Devices {
  std::unique_ptr<hwio::ReportDevice> report;
  // Called on the report device's own thread whenever `report` is not there yet;
  // its error is the reason that askers get.
  std::function<Result<std::unique_ptr<hwio::ReportDevice>>()> open_report;
  std::vector<ReportPart> report_parts;
  // When set, no evidence is made without it.
  std::unique_ptr<hwio::Tpm> tpm;
  std::string tpm_absent = "no TPM was given";  // why `tpm` is not set
  std::vector<TpmPart> tpm_parts;
  // The hardware report comes out of the TPM, by a TPM part, and no report device is
  // asked: what provider it is ("azure-hcl"). Empty: from the report device.
  std::string tpm_reports;
  // What machine this is, for statements and for the status.
  PlatformClaim platform;
};

// Finds out what machine this is (which asks the TPM, for a limited time) and
// decides whom to ask there. Opens nothing that lasts. `fetch` asks a cloud's services.
Devices system_devices(const Config& config, Fetch fetch = http_fetch);

}  // namespace attestd::agent
