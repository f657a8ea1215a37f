#include "sim/platform_aws.h"

#include <atomic>
#include <ctime>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "hwio/sev_guest.h"
#include "sim/inprocess.h"
#include "sim/nitro_tpm.h"
#include "sim/platform_snp.h"
#include "sim/signer/nitro_signer.h"
#include "sim/tpm_proxy.h"

namespace attestd::sim {
namespace {

constexpr unsigned public_mode = 0644;

// What a hostile, or broken, NitroTPM does with the next documents.
enum class NitroFault { none, enclave, pcrs, nonce, refuse };

Result<NitroFault> fault_named(const std::string& name) {
  if (name == "none") return NitroFault::none;
  if (name == "enclave") return NitroFault::enclave;
  if (name == "pcrs") return NitroFault::pcrs;
  if (name == "nonce") return NitroFault::nonce;
  if (name == "refuse") return NitroFault::refuse;
  return fail(Errc::usage, "fault nitro takes none, enclave, pcrs, nonce or refuse");
}

Result<NitroSigner> load_or_mint(const std::string& folder) {
  if (std::filesystem::exists(folder + "/root.pem")) return NitroSigner::load(folder, {});
  ATTESTD_TRY(NitroSigner signer, NitroSigner::mint({}));
  ATTESTD_CHECK(signer.save(folder));
  return signer;
}

// The second authority's root: it vouches for documents, not for hardware.
Result<void> write_trust_root(const StatePaths& paths, const NitroSigner& signer) {
  ATTESTD_TRY(const std::string pem, signer.root_pem());
  return replace_file(paths.trust_nitro_root, as_bytes(pem), public_mode);
}

class AwsPlatform final : public SnpPlatform {
 public:
  AwsPlatform(std::unique_ptr<SnpHardware> hardware, NitroSigner signer, const StatePaths& paths)
      : SnpPlatform(std::move(hardware)),
        signer_(std::move(signer)),
        swtpm_folder_(paths.tpm),
        proxy_folder_(paths.state + "/nitrotpm"),
        nitro_([this](const NitroDocument& document) { return sign(document); }) {}

  // The proxy finds the TPM by its folder, so it outlives one that is swapped.
  Result<void> start_services(const Progress& progress) override {
    ATTESTD_TRY(proxy_, TpmProxy::start(proxy_folder_, swtpm_folder_,
                                        [this](ByteView command, const TpmProxy::Forward& forward) {
                                          return nitro_.execute(command, forward);
                                        }));
    progress("NitroTPM: " + proxy_->tcti());
    return {};
  }

  [[nodiscard]] std::string agent_tcti(const std::string& swtpm) override { return proxy_ ? proxy_->tcti() : swtpm; }

  [[nodiscard]] std::string agent_config(const std::string& tsm) const override {
    // An agent in this process is given the device: nothing tells it where it is.
    std::string out = (tsm.empty() ? "[platform]\nname = \"aws-snp\"\n\n" : "") + SnpPlatform::agent_config(tsm);
    if (proxy_) out += "\n[nitro]\ntcti = " + toml_string(proxy_->tcti()) + "\n";
    return out;
  }

  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    constexpr std::string_view nitro = "nitro ";
    if (verb == "fault" && rest == "clear") fault_ = NitroFault::none;
    if (verb != "fault" || !rest.starts_with(nitro)) return SnpPlatform::control(tree, verb, rest);
    ATTESTD_TRY(fault_, fault_named(rest.substr(nitro.size())));
    return "the NitroTPM's fault is " + rest.substr(nitro.size());
  }

  [[nodiscard]] std::string status() const override {
    return SnpPlatform::status() + ", " + std::to_string(documents_) + " documents signed";
  }

  // As the kernel of such an instance has it.
  std::unique_ptr<hwio::ReportDevice> report_device(TsmModel* /*tree*/) override {
    return hwio::make_sev_guest(make_sev_guest_ioctl(psp()));
  }

 private:
  // On the proxy's thread.
  Result<Bytes> sign(NitroDocument document) {
    const NitroFault fault = fault_;
    if (fault == NitroFault::refuse) return fail(Errc::refused, "told to refuse");
    if (fault == NitroFault::enclave) document.kind = NitroKind::enclave;
    if (fault == NitroFault::pcrs) document.pcrs[4].assign(48, std::byte{0x66});
    if (fault == NitroFault::nonce) document.nonce = Bytes(64, std::byte{0x66});
    ++documents_;
    return signer_.sign(std::move(document), std::time(nullptr));
  }

  NitroSigner signer_;
  std::string swtpm_folder_;
  std::string proxy_folder_;
  std::atomic<NitroFault> fault_ = NitroFault::none;
  std::atomic<unsigned> documents_ = 0;
  NitroTpm nitro_;
  std::unique_ptr<TpmProxy> proxy_;  // last: its thread uses the others
};

}  // namespace

Result<std::unique_ptr<PlatformModel>> make_aws_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress) {
  MachineOptions with_vlek = options;
  with_vlek.vlek = true;  // AWS's hosts have no VCEK to give
  ATTESTD_TRY(auto hardware, SnpHardware::make(with_vlek, paths, progress));
  ATTESTD_TRY(NitroSigner signer, load_or_mint(paths.keys + "/nitro"));
  ATTESTD_CHECK(write_trust_root(paths, signer));
  return std::make_unique<AwsPlatform>(std::move(hardware), std::move(signer), paths);
}

}  // namespace attestd::sim
