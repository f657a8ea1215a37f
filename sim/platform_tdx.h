// A plain TDX guest on KVM, and the TDX hardware that other platforms have under
// theirs.
#pragma once

#include "sim/platform.h"
#include "sim/signer/tdx_signer.h"
#include "sim/tdx_module.h"

namespace attestd::sim {

// The TDX module, and the host's quoting service with its chain and collateral.
class TdxHardware {
 public:
  // Loads or mints the keys in STATE/keys; writes STATE/trust-root.pem and the
  // collateral of Intel's service in STATE/collateral. The TD has measured the boot.
  static Result<std::unique_ptr<TdxHardware>> make(const MachineOptions& options, const StatePaths& paths,
                                                   const Progress& progress);
  TdxHardware(const MachineOptions& options, TdxSigner signer, std::string collateral);
  TdxHardware(const TdxHardware&) = delete;
  TdxHardware& operator=(const TdxHardware&) = delete;

  [[nodiscard]] TdxModule& module() { return module_; }
  [[nodiscard]] const TdxSigner& signer() const { return signer_; }
  // The quoting service's answer for a TDREPORT, also to others than the guest.
  [[nodiscard]] Result<Bytes> quote(const TdReport& report) const;
  // "fault NAME [ARGUMENT]", "report HEX" (a TDREPORT, in hex), "quote HEX" (in hex),
  // "extend INDEX HEX". `tree` may be null.
  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest);
  [[nodiscard]] std::string status() const;
  // mrtd, collateral
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const;

 private:
  TdxSigner signer_;
  std::string collateral_;
  TdxModule module_;
};

Result<std::unique_ptr<PlatformModel>> make_tdx_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress);

}  // namespace attestd::sim
