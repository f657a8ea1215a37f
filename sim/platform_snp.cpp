#include "sim/platform_snp.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "evidence/snp_certificates.h"
#include "sim/faults.h"

namespace attestd::sim {
namespace {

SnpSignerOptions signer_options(const MachineOptions& options) {
  SnpSignerOptions out;
  out.product = options.product;
  out.signing_key = options.vlek ? SnpSigningKey::vlek : SnpSigningKey::vcek;
  if (options.tcb) out.tcb = *options.tcb;
  if (options.product == SnpProduct::turin && !out.tcb.fmc) out.tcb.fmc = 0;
  // A chip of its own, the same at every start; Turin's identifier has 8 bytes.
  const Bytes name = digest(HashAlgorithm::sha512, {as_bytes("attestd-sim chip")});
  const std::size_t size = options.product == SnpProduct::turin ? 8 : out.chip_id.size();
  std::copy_n(name.begin(), size, out.chip_id.begin());
  return out;
}

Result<SnpSigner> load_or_mint(const StatePaths& paths, const MachineOptions& options, const Progress& progress) {
  const SnpSignerOptions wanted = signer_options(options);
  if (std::filesystem::exists(paths.keys + "/signer.conf")) {
    ATTESTD_TRY(const SnpSigner kept, SnpSigner::load(paths.keys));
    ATTESTD_TRY(SnpSigner signer, kept.reissue(wanted));
    progress("keys: kept those in " + paths.keys);
    return signer;
  }
  progress("keys: minting RSA-4096 and P-384 keys, which takes seconds");
  ATTESTD_TRY(SnpSigner signer, SnpSigner::mint(wanted));
  ATTESTD_CHECK(signer.save(paths.keys));
  return signer;
}

PspConfig psp_config(const MachineOptions& options, const SnpSigner& signer) {
  PspConfig config;
  config.report.policy.raw = options.guest_policy;
  config.report.measurement = options.measurement;
  config.report.host_data = options.host_data;
  config.report.platform_info = options.guest_policy >> 16U & 1U;  // SMT_EN, 56860 table 24
  const Bytes id = digest(HashAlgorithm::sha256, {as_bytes("attestd-sim report id")});
  std::copy_n(id.begin(), config.report.report_id.size(), config.report.report_id.begin());
  config.report.report_id_ma.fill(std::byte{0xff});  // no migration agent
  config.report.current_firmware = config.report.committed_firmware = {.build = 24, .minor = 55, .major = 1};
  config.certificates = encode_snp_certificate_table(signer.certificates());
  config.guest_vmpl = options.vmpl;
  return config;
}

}  // namespace

SnpHardware::SnpHardware(const MachineOptions& options, SnpSigner signer)
    : options_(options),
      signer_(std::move(signer)),
      psp_(psp_config(options_, signer_), [this](const SnpReport& report) -> Result<Bytes> {
        SnpReport copy = report;
        ATTESTD_CHECK(signer_.sign(copy));
        return encode_snp_report(copy);
      }) {}

Result<std::unique_ptr<SnpHardware>> SnpHardware::make(const MachineOptions& options, const StatePaths& paths,
                                                       const Progress& progress) {
  ATTESTD_TRY(SnpSigner signer, load_or_mint(paths, options, progress));
  ATTESTD_CHECK(write_certificates(paths, signer));
  progress("certificates: " + paths.certificates + ", root in " + paths.trust_root);
  return std::make_unique<SnpHardware>(options, std::move(signer));
}

Result<std::string> SnpHardware::report(const std::string& hex, const std::string& vmpl) {
  ATTESTD_TRY(const Bytes given, from_hex(hex));
  FixedBytes<64> report_data{};
  if (given.size() != report_data.size()) return fail(Errc::usage, "report data are 64 bytes, 128 hex digits");
  std::copy(given.begin(), given.end(), report_data.begin());
  unsigned level = options_.vmpl;
  if (vmpl.size() == 1 && vmpl[0] >= '0' && vmpl[0] <= '3') {
    level = static_cast<unsigned>(vmpl[0] - '0');
  } else if (!vmpl.empty()) {
    return fail(Errc::usage, "a VMPL is 0 to 3");
  }
  const PspAnswer answer = psp_.request(report_data, level, false);
  if (answer.os_error != 0) return fail_errno(answer.os_error, "the security processor refuses");
  return to_hex(answer.report);
}

Result<std::string> SnpHardware::control(TsmModel* tree, const std::string& verb, const std::string& rest) {
  const std::size_t space = rest.find(' ');
  const std::string first = rest.substr(0, space);
  const std::string second = space == std::string::npos ? "" : rest.substr(space + 1);
  if (verb == "fault") return apply_fault(psp_, tree, first, second);
  if (verb == "report") return report(first, second);
  return fail(Errc::usage, "no such command");
}

std::string SnpHardware::status() const { return std::to_string(psp_.reports()) + " reports signed"; }

std::vector<std::pair<std::string, std::string>> SnpHardware::environment() const {
  return {{"product", std::string(snp_product_name(options_.product))},
          {"signer", options_.vlek ? "VLEK" : "VCEK"},
          {"measurement", to_hex(options_.measurement)}};
}

std::string SnpPlatform::agent_config(const std::string& tsm) const {
  if (tsm.empty()) return "[snp]\nbackend = \"off\"\n";
  return "[snp]\nbackend = \"configfs-tsm\"\nconfigfs = " + toml_string(tsm) + "\n";
}

std::vector<std::pair<std::string, std::string>> SnpPlatform::environment() const { return hardware_->environment(); }

Result<std::string> SnpPlatform::control(TsmModel* tree, const std::string& verb, const std::string& rest) {
  return hardware_->control(tree, verb, rest);
}

std::string SnpPlatform::status() const { return hardware_->status(); }

Result<std::unique_ptr<PlatformModel>> make_snp_platform(const MachineOptions& options, const StatePaths& paths,
                                                         const Progress& progress) {
  ATTESTD_TRY(auto hardware, SnpHardware::make(options, paths, progress));
  return std::make_unique<SnpPlatform>(std::move(hardware));
}

}  // namespace attestd::sim
