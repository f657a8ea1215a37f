#include "agent/platform.h"

#include <algorithm>
#include <array>

#include <config.h>
#include "evidence/hcl_report.h"
#include "evidence/json_strict.h"

namespace attestd::agent {
namespace {

constexpr std::array<std::string_view, 8> names{"kvm-snp", "kvm-tdx", "azure-snp", "azure-tdx",
                                                "aws-snp", "gcp-snp", "gcp-tdx",   "svsm-snp"};

// Hyper-V's isolation types, Linux include/hyperv/hvgdk_mini.h (HV_ISOLATION_TYPE_*).
constexpr unsigned isolation_snp = 2;
constexpr unsigned isolation_tdx = 3;

// Where Google's vTPM has its AK certificates (RSA, ECC): Google Cloud
// documentation, go-tpm-tools (client/ GceAKCertNVIndexRSA, GceAKCertNVIndexECC).
constexpr std::array<std::uint32_t, 2> gcp_ak_certificates{0x01c10000, 0x01c10002};

// Collects what speaks for a conclusion, in the order in which it was looked at.
class Detection {
 public:
  explicit Detection(const PlatformFacts& facts) : facts_(facts) {}

  PlatformClaim conclude() {
    const std::string hardware = find_hardware();
    const std::string provider = find_provider();
    if (facts_.hypervisor) say("the processor reports a hypervisor");
    if (!facts_.tpm_problem.empty()) say("the TPM could not be asked: " + facts_.tpm_problem);
    claim_.name = name_of(provider, hardware);
    return std::move(claim_);
  }

 private:
  void say(const std::string& reason) { claim_.reasons.push_back(to_valid_utf8(reason)); }
  // `what` is a sign of this kind of hardware.
  void sign(bool& kind, const std::string& what) {
    kind = true;
    say(what);
  }

  std::string find_hardware() {
    bool snp = false;
    bool tdx = false;
    if (facts_.isolation == isolation_snp) sign(snp, "Hyper-V's CPUID leaf 0x4000000C reports SEV-SNP isolation");
    if (facts_.isolation == isolation_tdx) sign(tdx, "Hyper-V's CPUID leaf 0x4000000C reports TDX isolation");
    if (facts_.hcl_report == "snp") sign(snp, "the paravisor's report in the TPM (NV index 0x01400001) is for SEV-SNP");
    if (facts_.hcl_report == "tdx") sign(tdx, "the paravisor's report in the TPM (NV index 0x01400001) is for TDX");
    if (facts_.provider == "sev_guest") sign(snp, facts_.configfs_tsm + " makes reports, provider sev_guest");
    if (facts_.provider == "tdx_guest") sign(tdx, facts_.configfs_tsm + " makes reports, provider tdx_guest");
    if (!facts_.sev_guest.empty()) sign(snp, facts_.sev_guest + " is there");
    if (!facts_.tdx_guest.empty()) sign(tdx, facts_.tdx_guest + " is there");
    if (facts_.snp) sign(snp, "CPUID Fn8000_001F reports SEV-SNP");
    if (facts_.tdx) sign(tdx, "CPUID leaf 0x21 reports TDX");
    if (snp && tdx) {
      say("signs of SEV-SNP and of TDX contradict each other");
      contradiction_ = true;
      return {};
    }
    return snp ? "snp" : tdx ? "tdx" : "";
  }

  std::string find_provider() {
    if (facts_.paravisor && facts_.isolation != 0) {
      say("Hyper-V's CPUID leaf 0x4000000C reports a paravisor");
      return "azure";
    }
    if (!facts_.hcl_report.empty()) return "azure";  // said above, or contradictory
    if (facts_.service_provider) {
      say("configfs-tsm has a service_provider attribute, as under an SVSM");
      return "svsm";
    }
    for (const std::uint32_t index : gcp_ak_certificates) {
      if (!facts_.nv_indices.contains(index)) continue;
      say("the TPM has an AK certificate where Google's has one (NV index 0x01c10000 or 0x01c10002)");
      return "gcp";
    }
    if (facts_.tpm_manufacturer == "AMZN") {
      say("the TPM's manufacturer is AMZN, as NitroTPM's is");
      return "aws";
    }
    return hinted_provider();
  }

  // Nothing inside tells these clouds from each other: the host's word has to do,
  // and if it lies, the devices that are not there are not found.
  std::string hinted_provider() {
    if (facts_.system_vendor.empty()) return "kvm";
    say("the host's DMI names " + facts_.system_vendor + " (a hint, no evidence)");
    if (facts_.system_vendor.find("Amazon") != std::string::npos) return "aws";
    if (facts_.system_vendor.find("Google") != std::string::npos) return "gcp";
    return "kvm";
  }

  std::string name_of(const std::string& provider, const std::string& hardware) {
    if (contradiction_) return "unknown";
    if (hardware.empty()) return facts_.hypervisor ? "kvm" : "unknown";
    std::string name = provider + "-" + hardware;
    if (std::ranges::find(names, name) != names.end()) return name;
    say("there is no platform " + name + " that attestd knows; its devices are looked for as on plain KVM");
    return "kvm-" + hardware;
  }

  const PlatformFacts& facts_;
  PlatformClaim claim_;
  bool contradiction_ = false;
};

}  // namespace

std::span<const std::string_view> platform_names() { return names; }

PlatformClaim detect_platform(const PlatformFacts& facts, std::string_view forced) {
  PlatformClaim claim = Detection(facts).conclude();
  if (forced != "auto") {
    claim.reasons.insert(claim.reasons.begin(),
                         "the configuration says so (platform.name); from inside it would be " + claim.name);
    claim.name = forced;
  }
  claim.kernel = facts.kernel;
  claim.agent_version = ATTESTD_VERSION;
  return claim;
}

}  // namespace attestd::agent
