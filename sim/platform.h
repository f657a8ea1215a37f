// What differs between the machines that attestd-sim can be: who signs, what the
// guest finds, and what the agent there is told. machine.cpp does the rest, the
// same for all: the state folder, the configfs-tsm tree, swtpm, a measured boot.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hwio/report_device.h"
#include "sim/boot.h"
#include "sim/machine.h"
#include "sim/state_files.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

class PlatformModel {
 public:
  virtual ~PlatformModel() = default;
  // Behind configfs-tsm; null on platforms whose guests have none.
  virtual TsmProvider* tsm() { return nullptr; }
  // Before the TPM starts: servers on loopback, files in the state folder.
  virtual Result<void> start_services(const Progress& /*progress*/) { return {}; }
  // After every start of the TPM (whose PCRs have the boot's values by then): keys,
  // certificates and NV indices that the platform would have put there.
  virtual Result<void> provision_tpm(const std::string& /*tcti*/, const MeasuredBoot& /*boot*/) { return {}; }
  // The TPM forgets everything when it stops, as one in the VM's own memory does.
  [[nodiscard]] virtual bool ephemeral_tpm() const { return false; }
  // Where the agent finds the TPM, when that is not swtpm itself: the address of
  // something that start_services() or provision_tpm() put before it.
  [[nodiscard]] virtual std::string agent_tcti(const std::string& swtpm) { return swtpm; }
  // Tables for attestd.toml: [platform] and whatever names this platform's devices,
  // files and servers. `tsm` is the tree's folder, empty when it is not mounted.
  [[nodiscard]] virtual std::string agent_config(const std::string& tsm) const = 0;
  // Names and values for env.json, beside those that every platform has.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> environment() const { return {}; }
  // A line of the control socket that machine.cpp does not know: verb and rest.
  // Errors: usage for what is not known here either.
  virtual Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) = 0;
  // One clause, for `attestd-sim status`: "3 reports signed".
  [[nodiscard]] virtual std::string status() const = 0;
  // For an agent in this process, without FUSE; null: it asks as configured.
  virtual std::unique_ptr<hwio::ReportDevice> report_device(TsmModel* tree);
};

// Keys from STATE/keys, minted there when absent, and certificates over them in
// STATE/certs; roots that the user may name in STATE/trust-root.pem and, where the
// platform has such, trust-vtpm-root.pem and trust-nitro-root.pem.
// Errors: usage for a platform that is not in platform_names(), and for options
// that it does not have.
Result<std::unique_ptr<PlatformModel>> make_platform(const MachineOptions& options, const StatePaths& paths,
                                                     const Progress& progress);

std::span<const std::string_view> platform_names();  // as --platform takes them; the first is the default

// As "key = value" lines want it: TOML's basic string. Control characters cannot be in it.
std::string toml_string(const std::string& text);

}  // namespace attestd::sim
