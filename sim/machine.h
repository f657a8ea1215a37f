// The whole software CVM in one folder: keys, security processor, configfs-tsm
// tree, TPM, a measured boot, and the files that tell others where all that is.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "evidence/snp_report.h"
#include "hwio/report_device.h"
#include "sim/boot.h"

namespace attestd::sim {

struct MachineOptions {
  std::string state;  // folder; made when absent, with mode 0700
  std::string platform = "snp";
  SnpProduct product = SnpProduct::milan;
  bool vlek = false;
  std::optional<SnpTcb> tcb;             // that the leaf certificate and the reports state
  std::uint64_t guest_policy = 0x30000;  // SMT, and the bit that must be one
  FixedBytes<48> measurement{};
  FixedBytes<32> host_data{};
  unsigned vmpl = 0;  // of the guest kernel
  bool tsm = true;    // mount the configfs-tsm tree (needs FUSE), where the platform has one
  bool tpm = true;
  BootOptions boot;
};

// One sentence for each thing done.
using Progress = std::function<void(const std::string&)>;

// A measurement that says by whom it was made up: SHA-384 of a fixed text.
FixedBytes<48> simulated_measurement();

// The keys in STATE/keys, minted when they are absent (seconds), and the
// certificates in STATE/certs and STATE/trust-root.pem. Keys are kept when
// options change: the certificates are made anew over them.
Result<void> mint(const MachineOptions& options, const Progress& progress);

std::string control_path(const std::string& state);
std::string agent_config_path(const std::string& state);  // attestd.toml

class Machine {
 public:
  // Fails with refused while another simulator uses the same state.
  static Result<std::unique_ptr<Machine>> start(const MachineOptions& options, const Progress& progress);
  virtual ~Machine() = default;  // unmounts, stops the TPM
  // Writes env.json and attestd.toml, by which others know that all is there.
  virtual Result<void> announce(const Progress& progress) = 0;
  // A line of the control socket: "tpm start|stop|swap", "status", and what the
  // platform knows; on SEV-SNP "fault NAME [ARGUMENT]", "report HEX [VMPL]" (answers hex).
  virtual Result<std::string> control(const std::string& line) = 0;
  // The hardware without a kernel interface, for an agent in this process; the
  // machine must outlive it. Null: the agent asks as its configuration says.
  virtual std::unique_ptr<hwio::ReportDevice> report_device() = 0;
  // False when the TPM that should run has died.
  virtual bool healthy() = 0;
};

}  // namespace attestd::sim
