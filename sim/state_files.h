// What attestd-sim leaves in its state folder for others to read.
#pragma once

#include <string>

#include "base/result.h"
#include "sim/machine.h"
#include "sim/signer/snp_signer.h"

namespace attestd::sim {

class PlatformModel;

struct StatePaths {
  explicit StatePaths(std::string folder);
  std::string state;
  std::string keys;              // sim/signer/snp_signer.h
  std::string certificates;      // PEM, one each
  std::string trust_root;        // PEM, of hardware
  std::string trust_vtpm_root;   // PEM, of the vTPM's keys; on platforms that have one
  std::string trust_nitro_root;  // PEM, of attestation documents; likewise
  std::string tsm;               // mount point
  std::string tpm;               // of swtpm
  std::string firmware_log;      // as binary_bios_measurements
  std::string userspace_log;     // as tpm2-measure.log
  std::string agent_socket;      // where attestd shall listen
  std::string agent_config;      // attestd.toml
  std::string environment;       // env.json
  std::string lock;
};

// certs/ark.pem, ask.pem or asvk.pem, vcek.pem or vlek.pem, and trust-root.pem.
Result<void> write_certificates(const StatePaths& paths, const SnpSigner& signer);
// env.json, then attestd.toml: who waits for the latter finds both.
Result<void> write_environment(const StatePaths& paths, const MachineOptions& options, PlatformModel& platform,
                               bool tsm_mounted);

}  // namespace attestd::sim
