#include "sim/platform_svsm.h"

#include "hwio/configfs_tsm.h"
#include "hwio/tpm.h"
#include "sim/inprocess.h"
#include "sim/platform_snp.h"
#include "sim/svsm.h"

namespace attestd::sim {
namespace {

constexpr unsigned kernel_vmpl = 2;  // where Coconut runs the guest

class SvsmPlatform final : public SnpPlatform {
 public:
  explicit SvsmPlatform(std::unique_ptr<SnpHardware> hardware) : SnpPlatform(std::move(hardware)), svsm_(psp()) {}

  TsmProvider* tsm() override { return &svsm_; }
  // The vTPM is in the SVSM's memory.
  [[nodiscard]] bool ephemeral_tpm() const override { return true; }
  Result<void> provision_tpm(const std::string& tcti, const MeasuredBoot& /*boot*/) override {
    const auto tpm = hwio::Tpm::make({.tcti = tcti});
    ATTESTD_TRY(Bytes key, tpm->endorsement_key());
    svsm_.set_endorsement_key(std::move(key));
    return {};
  }
  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    if (verb == "fault" && rest == "manifest") {
      svsm_.attest_another_key(true);
      return std::string("the SVSM attests another vTPM's endorsement key");
    }
    if (verb == "fault" && rest == "clear") svsm_.attest_another_key(false);
    return SnpPlatform::control(tree, verb, rest);
  }
  std::unique_ptr<hwio::ReportDevice> report_device(TsmModel* tree) override {
    hwio::ConfigfsTsmOptions options;
    options.svsm_service = std::string(hwio::svsm_vtpm_service);
    return hwio::make_configfs_tsm(make_tsm_files(*tree), options);
  }

 private:
  Svsm svsm_;
};

}  // namespace

Result<std::unique_ptr<PlatformModel>> make_svsm_platform(const MachineOptions& options, const StatePaths& paths,
                                                          const Progress& progress) {
  if (!options.tpm) return fail(Errc::usage, "an SVSM's machine has its vTPM: leave --no-tpm out");
  MachineOptions under = options;
  if (under.vmpl == 0) under.vmpl = kernel_vmpl;
  ATTESTD_TRY(auto hardware, SnpHardware::make(under, paths, progress));
  return std::make_unique<SvsmPlatform>(std::move(hardware));
}

}  // namespace attestd::sim
