// What machine this is, as seen from inside. A hint for people and for the
// statement: only the hardware report proves anything.
#pragma once

#include <string>

#include "evidence/statement.h"

namespace attestd::agent {

// What the kernel and the processor show; a value, so that detection is pure.
struct PlatformFacts {
  bool hypervisor = false;    // CPUID Fn0000_0001 ECX bit 31
  bool snp = false;           // CPUID Fn8000_001F as the guest sees it, with the SEV-SNP bit
  bool tdx = false;           // CPUID leaf 0x21 says "IntelTDX    "
  std::string sev_guest;      // path of the device node, or empty
  std::string configfs_tsm;   // path of the folder, or empty
  std::string tpm;            // path of the device node, or empty
  std::string system_vendor;  // DMI, from the host: a hint
  std::string kernel;         // uname -r
};
PlatformFacts read_platform_facts(const std::string& configfs, const std::string& sev_guest);
// "kvm-snp", "aws-snp", "gcp-snp", "azure-snp", the same with -tdx, "kvm" for a
// machine that shows neither, "unknown" without a hypervisor.
PlatformClaim detect_platform(const PlatformFacts& facts);

}  // namespace attestd::agent
