// An SEV-SNP guest on Google's cloud: configfs-tsm, and a vTPM that keeps its state
// and has certificates and templates of its attestation keys in NV.
// Source: google/go-tpm-tools client/handles.go (NV indices).
#include <filesystem>

#include "base/file.h"
#include "hwio/tpm.h"
#include "sim/platform_snp.h"
#include "sim/platform_svsm.h"
#include "sim/signer/gcp_signer.h"
#include "sim/tpm_provision.h"

namespace attestd::sim {
namespace {

constexpr std::uint32_t certificate_index = 0x01c10002;  // of the ECC key; Google has an RSA key as well
constexpr std::uint32_t template_index = 0x01c10003;
constexpr unsigned public_mode = 0644;

// ECC P-256, ECDSA with SHA-256; fixedTPM, fixedParent, sensitiveDataOrigin,
// userWithAuth, restricted, sign, and no unique part.
Bytes attestation_key_template() {
  Writer out;
  out.be16(0x0023).be16(0x000b).be32(0x00050072).be16(0);
  out.be16(0x0010).be16(0x0018).be16(0x000b).be16(0x0003).be16(0x0010).be16(0).be16(0);
  return out.take();
}

Result<GcpSigner> load_or_mint(const std::string& keys, const Progress& progress) {
  if (std::filesystem::exists(keys + "/gcp-root.pem")) return GcpSigner::load(keys, {});
  progress("keys: minting those of Google's CA for vTPM keys");
  ATTESTD_TRY(GcpSigner signer, GcpSigner::mint({}));
  ATTESTD_CHECK(signer.save(keys));
  return signer;
}

class GcpPlatform final : public SnpPlatform {
 public:
  GcpPlatform(std::unique_ptr<SnpHardware> hardware, GcpSigner signer, std::string chain_path)
      : SnpPlatform(std::move(hardware)), signer_(std::move(signer)), chain_path_(std::move(chain_path)) {}

  Result<void> provision_tpm(const std::string& tcti, const MeasuredBoot& /*boot*/) override {
    ATTESTD_CHECK(store_nv(tcti, template_index, attestation_key_template()));
    const auto tpm = hwio::Tpm::make({.tcti = tcti, .ak_template_nv = template_index});
    ATTESTD_TRY(const hwio::TpmAttestationKey key, tpm->attestation_key());
    ATTESTD_TRY(const TpmPublic area, parse_tpm_public(key.public_area));
    ATTESTD_TRY(const Bytes certificate, signer_.certify(area, TpmKeyUse::attestation));
    return store_nv(tcti, certificate_index, certificate);
  }
  [[nodiscard]] std::string agent_config(const std::string& tsm) const override {
    return SnpPlatform::agent_config(tsm) + "\n[gcp]\nak-chain = " + toml_string(chain_path_) + "\n";
  }

 private:
  GcpSigner signer_;
  std::string chain_path_;
};

}  // namespace

Result<std::unique_ptr<PlatformModel>> make_gcp_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress) {
  ATTESTD_TRY(auto hardware, SnpHardware::make(options, paths, progress));
  ATTESTD_TRY(GcpSigner signer, load_or_mint(paths.keys, progress));
  ATTESTD_TRY(const std::string root, signer.root_pem());
  ATTESTD_CHECK(replace_file(paths.trust_vtpm_root, as_bytes(root), public_mode));
  ATTESTD_TRY(const std::string chain, signer.chain_pem(TpmKeyUse::attestation));
  const std::string chain_path = paths.certificates + "/gcp-ak-chain.pem";
  ATTESTD_CHECK(replace_file(chain_path, as_bytes(chain), public_mode));
  return std::make_unique<GcpPlatform>(std::move(hardware), std::move(signer), chain_path);
}

}  // namespace attestd::sim
