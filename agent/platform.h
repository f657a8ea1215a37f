// What machine this is, as seen from inside: it decides which devices are asked,
// and is a hint for people and for the statement. Only evidence proves anything.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "evidence/statement.h"

namespace attestd::agent {

// What the kernel, the processor and the TPM show; a value, so that detection is
// pure. Empty text: it is not there.
struct PlatformFacts {
  // Of the processor, as the hypervisor lets us see it.
  bool hypervisor = false;           // CPUID Fn0000_0001 ECX bit 31
  bool snp = false;                  // CPUID Fn8000_001F, the SEV-SNP bit
  bool tdx = false;                  // CPUID leaf 0x21 says "IntelTDX    "
  std::string hypervisor_signature;  // CPUID Fn4000_0000: "KVMKVMKVM", "Microsoft Hv"
  bool paravisor = false;            // Hyper-V, CPUID Fn4000_000C EAX bit 0
  unsigned isolation = 0;            // Hyper-V, CPUID Fn4000_000C EBX bits 3:0: 2 SEV-SNP, 3 TDX
  // Of the kernel.
  std::string sev_guest;          // path of the device node
  std::string tdx_guest;          // path of the device node
  std::string configfs_tsm;       // path of the folder
  std::string provider;           // of configfs-tsm: "sev_guest", "tdx_guest"
  bool service_provider = false;  // configfs-tsm has that attribute: Linux shows it to guests of an SVSM only
  std::string kernel;             // uname -r
  // Of the TPM.
  std::string tpm;               // where it is, as tpm2-tss names it
  std::string tpm_problem;       // why it could not be asked
  std::string tpm_manufacturer;  // "IBM", "MSFT", …
  std::set<std::uint32_t> nv_indices;
  std::string hcl_report;  // what the report in NV index 0x01400001 is for: "snp", "tdx", or "unknown"
  // From the host: a hint.
  std::string system_vendor;  // DMI
};

// Asks the processor and the kernel, and the TPM for at most the collection's
// timeout (a thread of its own is left behind if it never answers).
PlatformFacts read_platform_facts(const Config& config);
// Where the TPM is by this configuration: a TCTI, or nothing and why not.
struct TpmPlace {
  std::string tcti;
  std::string absent;
};
TpmPlace find_tpm(const Config::Tpm& config);

// kvm-snp, kvm-tdx, azure-snp, azure-tdx, aws-snp, gcp-snp, gcp-tdx, svsm-snp: what
// [platform] name may force.
std::span<const std::string_view> platform_names();

// Decides from inside: the name is one of platform_names(), or "kvm" for a
// hypervisor's guest that shows no confidential hardware, or "unknown" when
// nothing or contradictory things are seen. The reasons say what was seen, and
// which of it is only the host's word. `forced` is [platform] name.
PlatformClaim detect_platform(const PlatformFacts& facts, std::string_view forced = "auto");

}  // namespace attestd::agent
