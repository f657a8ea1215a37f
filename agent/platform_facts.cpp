#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "agent/platform.h"
#include "base/file.h"
#include "evidence/hcl_report.h"
#include "hwio/configfs_tsm.h"
#include "hwio/tpm_facts.h"

namespace attestd::agent {
namespace {

constexpr const char* tpm_node = "/dev/tpmrm0";
constexpr const char* tdx_guest_node = "/dev/tdx_guest";

std::string if_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0 ? path : std::string(); }

#if defined(__x86_64__)
struct Leaf {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
};

std::string text_of(std::initializer_list<unsigned> words) {
  std::string out;
  for (const unsigned word : words) {
    std::array<char, sizeof word> letters{};
    std::memcpy(letters.data(), &word, sizeof word);
    out.append(letters.data(), letters.size());
  }
  return out.substr(0, out.find_last_not_of(std::string_view(" \0", 2)) + 1);
}

void ask_processor(PlatformFacts& facts) {
  Leaf leaf;
  if (__get_cpuid(1, &leaf.a, &leaf.b, &leaf.c, &leaf.d) != 0) facts.hypervisor = ((leaf.c >> 31U) & 1U) != 0;
  if (!facts.hypervisor) return;
  // AMD 24594 (APM volume 3) Fn8000_001F_EAX: bit 4, SEV-SNP. The host fills the
  // guest's CPUID table, and the firmware checks it at launch.
  if (__get_cpuid(0x8000001f, &leaf.a, &leaf.b, &leaf.c, &leaf.d) != 0) facts.snp = ((leaf.a >> 4U) & 1U) != 0;
  // Intel TDX module specification, CPUID leaf 0x21 sub-leaf 0.
  if (__get_cpuid_count(0x21, 0, &leaf.a, &leaf.b, &leaf.c, &leaf.d) != 0) {
    facts.tdx = text_of({leaf.b, leaf.d, leaf.c}) == "IntelTDX";
  }
  // Hypervisors' leaves are beyond what __get_cpuid() asks for. Linux
  // arch/x86/include/asm/hyperv-tlfs.h, HYPERV_CPUID_ISOLATION_CONFIG.
  __cpuid(0x40000000, leaf.a, leaf.b, leaf.c, leaf.d);
  facts.hypervisor_signature = text_of({leaf.b, leaf.c, leaf.d});
  if (facts.hypervisor_signature != "Microsoft Hv" || leaf.a < 0x4000000c) return;
  __cpuid(0x4000000c, leaf.a, leaf.b, leaf.c, leaf.d);
  facts.paravisor = (leaf.a & 1U) != 0;
  facts.isolation = leaf.b & 0xfU;
}
#else
void ask_processor(PlatformFacts& /*facts*/) {}
#endif

// Only an entry shows the provider, and only root may make one.
void ask_configfs(const std::string& folder, PlatformFacts& facts) {
  if (if_there(folder).empty()) return;
  facts.configfs_tsm = folder;
  const auto files = hwio::open_tsm_directory(folder);
  const std::string probe = "attestd-probe-" + std::to_string(::getpid());
  // One is there when a process with our number crashed.
  [[maybe_unused]] const auto stale = files->remove_entry(probe);
  if (!files->make_entry(probe)) return;
  if (const auto provider = files->read(probe, "provider")) {
    const std::string_view text = as_text(*provider);
    facts.provider = text.substr(0, text.find('\n'));
  }
  [[maybe_unused]] const auto removed = files->remove_entry(probe);
  facts.service_provider = hwio::has_svsm_services(*files).value_or(false);
}

std::string hcl_report_kind(ByteView bytes) {
  const auto report = parse_hcl_report(bytes);
  if (!report) return "unknown";
  return report->type == HclReportType::snp ? "snp" : "tdx";
}

// A TPM may never answer, and then its thread stays: the process goes on.
void ask_tpm(const std::string& tcti, std::chrono::milliseconds timeout, PlatformFacts& facts) {
  facts.tpm = tcti;
  auto promise = std::make_shared<std::promise<Result<hwio::TpmFacts>>>();
  auto answer = promise->get_future();
  std::thread([promise, tcti] {
    try {
      promise->set_value(hwio::read_tpm_facts(tcti, {hcl_report_nv_index}));
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  }).detach();
  if (answer.wait_for(timeout) != std::future_status::ready) {
    facts.tpm_problem = "no answer from " + tcti + " within " + std::to_string(timeout.count()) + " ms";
    return;
  }
  const auto found = answer.get();
  if (!found) {
    facts.tpm_problem = found.error().text();
    return;
  }
  facts.tpm_manufacturer = found->manufacturer;
  facts.nv_indices = found->nv_indices;
  const auto report = found->contents.find(hcl_report_nv_index);
  if (report != found->contents.end()) facts.hcl_report = hcl_report_kind(report->second);
}

}  // namespace

TpmPlace find_tpm(const Config::Tpm& config) {
  if (config.tcti == "off") return {"", "tpm.tcti = \"off\""};
  if (config.tcti != "auto") return {config.tcti, ""};
  if (if_there(tpm_node).empty()) return {"", std::string("there was no ") + tpm_node + " at start"};
  return {std::string("device:") + tpm_node, ""};
}

PlatformFacts read_platform_facts(const Config& config) {
  PlatformFacts facts;
  ask_processor(facts);
  facts.sev_guest = if_there(config.snp.device);
  facts.tdx_guest = if_there(tdx_guest_node);
  ask_configfs(config.snp.configfs, facts);
  if (facts.provider.empty() && config.tdx.configfs != config.snp.configfs) ask_configfs(config.tdx.configfs, facts);
  if (const TpmPlace place = find_tpm(config.tpm); !place.tcti.empty()) {
    ask_tpm(place.tcti, config.collection.timeout, facts);
  }
  if (const auto vendor = read_file("/sys/class/dmi/id/sys_vendor", 4096)) {
    facts.system_vendor = as_text(*vendor);
    facts.system_vendor.erase(facts.system_vendor.find_last_not_of(" \n") + 1);
  }
  utsname name{};
  if (::uname(&name) == 0) facts.kernel = name.release;
  return facts;
}

}  // namespace attestd::agent
