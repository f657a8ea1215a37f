#include "agent/platform.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <config.h>
#include "base/file.h"
#include "evidence/json_strict.h"

namespace attestd::agent {
namespace {

std::string if_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0 ? path : std::string(); }

#if defined(__x86_64__)
void ask_processor(PlatformFacts& facts) {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) facts.hypervisor = ((c >> 31U) & 1U) != 0;
  // AMD 24594 (APM volume 3) Fn8000_001F_EAX: bit 4, SEV-SNP. The host fills the
  // guest's CPUID table, and the firmware checks it at launch.
  if (facts.hypervisor && __get_cpuid(0x8000001f, &a, &b, &c, &d) != 0) facts.snp = ((a >> 4U) & 1U) != 0;
  // Intel TDX module specification, CPUID leaf 0x21 sub-leaf 0.
  if (facts.hypervisor && __get_cpuid_count(0x21, 0, &a, &b, &c, &d) != 0) {
    std::array<unsigned, 3> words = {b, d, c};
    facts.tdx = std::memcmp(words.data(), "IntelTDX    ", 12) == 0;
  }
}
#else
void ask_processor(PlatformFacts& /*facts*/) {}
#endif

}  // namespace

PlatformFacts read_platform_facts(const std::string& configfs, const std::string& sev_guest) {
  PlatformFacts facts;
  ask_processor(facts);
  facts.sev_guest = if_there(sev_guest);
  facts.configfs_tsm = if_there(configfs);
  facts.tpm = if_there("/dev/tpmrm0");
  if (const auto vendor = read_file("/sys/class/dmi/id/sys_vendor", 4096)) {
    facts.system_vendor = as_text(*vendor);
    facts.system_vendor.erase(facts.system_vendor.find_last_not_of(" \n") + 1);
  }
  utsname name{};
  if (::uname(&name) == 0) facts.kernel = name.release;
  return facts;
}

PlatformClaim detect_platform(const PlatformFacts& facts) {
  PlatformClaim claim;
  claim.kernel = facts.kernel;
  claim.agent_version = ATTESTD_VERSION;
  const auto say = [&](std::string reason) { claim.reasons.push_back(to_valid_utf8(reason)); };
  if (facts.hypervisor) say("the processor reports a hypervisor");
  if (facts.snp) say("CPUID Fn8000_001F reports SEV-SNP");
  if (facts.tdx) say("CPUID leaf 0x21 reports TDX");
  if (!facts.sev_guest.empty()) say(facts.sev_guest + " is there");
  if (!facts.configfs_tsm.empty()) say(facts.configfs_tsm + " is there");
  if (!facts.tpm.empty()) say(facts.tpm + " is there");
  if (!facts.system_vendor.empty()) say("the host's DMI names " + facts.system_vendor + " (a hint)");

  std::string provider = "kvm";
  if (facts.system_vendor.find("Amazon") != std::string::npos) provider = "aws";
  if (facts.system_vendor.find("Google") != std::string::npos) provider = "gcp";
  if (facts.system_vendor.find("Microsoft") != std::string::npos) provider = "azure";
  if (facts.snp || !facts.sev_guest.empty()) {
    claim.name = provider + "-snp";
  } else if (facts.tdx) {
    claim.name = provider + "-tdx";
  } else {
    claim.name = facts.hypervisor ? provider : "unknown";
  }
  return claim;
}

}  // namespace attestd::agent
