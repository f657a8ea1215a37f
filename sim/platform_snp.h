// A plain SEV-SNP guest on KVM, and the SEV-SNP hardware that other platforms
// have under theirs.
#pragma once

#include "sim/platform.h"
#include "sim/psp.h"
#include "sim/signer/snp_signer.h"

namespace attestd::sim {

// The security processor with its signing chain. Faults and raw reports by the
// control socket's lines.
class SnpHardware {
 public:
  // Loads or mints the keys in STATE/keys and writes the certificates. Blocks for
  // seconds when it mints.
  static Result<std::unique_ptr<SnpHardware>> make(const MachineOptions& options, const StatePaths& paths,
                                                   const Progress& progress);
  SnpHardware(const MachineOptions& options, SnpSigner signer);
  SnpHardware(const SnpHardware&) = delete;
  SnpHardware& operator=(const SnpHardware&) = delete;

  [[nodiscard]] Psp& psp() { return psp_; }
  [[nodiscard]] const SnpSigner& signer() const { return signer_; }
  // "fault NAME [ARGUMENT]", "report HEX [VMPL]" (answers hex). `tree` may be null.
  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest);
  [[nodiscard]] std::string status() const;
  // product, signer, measurement
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const;

 private:
  Result<std::string> report(const std::string& hex, const std::string& vmpl);

  MachineOptions options_;
  SnpSigner signer_;
  Psp psp_;
};

// An SEV-SNP guest that asks by configfs-tsm. Clouds add their vTPM to it.
class SnpPlatform : public PlatformModel {
 public:
  explicit SnpPlatform(std::unique_ptr<SnpHardware> hardware) : hardware_(std::move(hardware)) {}

  TsmProvider* tsm() override { return &hardware_->psp(); }
  [[nodiscard]] std::string agent_config(const std::string& tsm) const override;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const override;
  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) override;
  [[nodiscard]] std::string status() const override;

 protected:
  [[nodiscard]] Psp& psp() { return hardware_->psp(); }

 private:
  std::unique_ptr<SnpHardware> hardware_;
};

Result<std::unique_ptr<PlatformModel>> make_snp_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress);

}  // namespace attestd::sim
