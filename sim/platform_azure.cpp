#include "sim/platform_azure.h"

#include <algorithm>
#include <atomic>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/hcl_report.h"
#include "evidence/imds_response.h"
#include "evidence/pem.h"
#include "evidence/td_report.h"
#include "evidence/tpm_attest.h"
#include "sim/metadata_server.h"
#include "sim/platform_snp.h"
#include "sim/platform_tdx.h"
#include "sim/tpm_provision.h"

namespace attestd::sim {
namespace {

namespace json = boost::json;

constexpr std::string_view vm_unique_id = "00000000-5349-4D55-4C41-544544000001";
constexpr std::string_view certification_path = "/metadata/THIM/amd/certification";
constexpr std::string_view quote_path = "/acc/tdquote";

// libtpms holds 2048 bytes in an index where Azure's vTPM holds 2600: that leaves
// room for one key, so the simulated runtime data leave HCLEkPub out.
HclRuntimeData runtime_data(const TpmPublic& ak, bool secure_boot) {
  HclRuntimeData out;
  out.keys = {{"HCLAkPub", {"sign"}, ak.rsa_exponent, ak.rsa_modulus}};
  out.secure_boot = secure_boot;
  out.console_enabled = false;
  out.tpm_enabled = true;
  out.tpm_persisted = true;
  out.vm_unique_id = vm_unique_id;
  out.user_data.emplace();
  return out;
}

std::string certification(const SnpSigner& signer) {
  std::string leaf;
  std::string chain;
  for (const SnpCertificate& certificate : signer.certificates()) {
    (certificate.guid == snp_guid_vcek ? leaf : chain) += certificate_to_pem(certificate.data);
  }
  // As the service writes a TCB: most significant component first.
  const std::uint64_t tcb = encode_snp_tcb(signer.options().tcb, signer.options().product);
  return json::serialize(json::object{{"vcekCert", leaf},
                                      {"tcbm", to_hex(Writer().be64(tcb).bytes())},
                                      {"certificateChain", chain},
                                      {"cacheControl", "86400"}});
}

// What both kinds of hardware have in common: the paravisor's work and the host's service.
class AzurePlatform : public PlatformModel {
 public:
  AzurePlatform(HclReportType type, bool secure_boot) : type_(type), secure_boot_(secure_boot) {}

  Result<void> start_services(const Progress& progress) override {
    ATTESTD_TRY(metadata_, MetadataServer::start([this](const MetadataRequest& request) { return answer(request); }));
    progress("metadata service: " + metadata_->url());
    return {};
  }

  // Its vTPM's key, and a report that names the key.
  Result<void> provision_tpm(const std::string& tcti, const MeasuredBoot& /*boot*/) override {
    ATTESTD_TRY(const Bytes area, keep_rsa_attestation_key(tcti, hcl_ak_handle));
    ATTESTD_TRY(const TpmPublic ak, parse_tpm_public(area));
    HclReport hcl;
    hcl.type = type_;
    hcl.runtime_data = to_bytes(encode_hcl_runtime_data(runtime_data(ak, secure_boot_)));
    ATTESTD_TRY(hcl.hardware_report, hardware_report(hcl.expected_report_data()));
    return store_nv(tcti, hcl_report_nv_index, encode_hcl_report(hcl));
  }

  [[nodiscard]] std::string agent_config(const std::string& /*tsm*/) const override {
    return "[azure]\nmetadata-service = " + toml_string(metadata_->url()) + "\n";
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const override {
    auto out = hardware_environment();
    out.emplace_back("metadata_service", metadata_->url());
    out.emplace_back("vm_unique_id", vm_unique_id);
    return out;
  }

  Result<std::string> control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    constexpr std::string_view prefix = "metadata ";
    if (verb == "fault" && rest == "clear") {
      foreign_ = other_td_ = false;
      metadata_->set_fault(MetadataFault::none);
    }
    if (verb != "fault" || !rest.starts_with(prefix)) return hardware_control(tree, verb, rest);
    const std::string name = rest.substr(prefix.size());
    if (name == "foreign") {
      foreign_ = true;
      other_td_ = false;
      metadata_->set_fault(MetadataFault::none);
      return std::string("the metadata service gives what belongs to another VM");
    }
    if (name == "other-td" && type_ == HclReportType::tdx) {
      foreign_ = false;
      other_td_ = true;
      metadata_->set_fault(MetadataFault::none);
      return std::string("the metadata service gives quotes of another TD with the same report data");
    }
    const auto fault = metadata_fault_from_name(name);
    if (!fault) {
      return fail(Errc::usage,
                  "metadata takes none, foreign, absent, garbage, huge, silent, redirect or busy, and on TDX other-td");
    }
    foreign_ = other_td_ = false;
    metadata_->set_fault(*fault);
    return "the metadata service has the fault " + name;
  }

  [[nodiscard]] std::string status() const override {
    return hardware_status() + "; " + std::to_string(metadata_ ? metadata_->answered() : 0) +
           " requests to the metadata service";
  }
  std::unique_ptr<hwio::ReportDevice> report_device(TsmModel* /*tree*/) override { return nullptr; }

 protected:
  // Its thread uses what derived classes have: they end it first.
  void end_service() { metadata_.reset(); }
  [[nodiscard]] bool foreign() const { return foreign_; }
  [[nodiscard]] bool other_td() const { return other_td_; }
  virtual Result<Bytes> hardware_report(const FixedBytes<64>& report_data) = 0;
  virtual std::optional<std::string> answer(const MetadataRequest& request) = 0;
  virtual Result<std::string> hardware_control(TsmModel* tree, const std::string& verb, const std::string& rest) = 0;
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> hardware_environment() const = 0;
  [[nodiscard]] virtual std::string hardware_status() const = 0;

 private:
  HclReportType type_;
  bool secure_boot_;
  std::atomic<bool> foreign_ = false;
  std::atomic<bool> other_td_ = false;
  std::unique_ptr<MetadataServer> metadata_;
};

class AzureSnpPlatform final : public AzurePlatform {
 public:
  AzureSnpPlatform(bool secure_boot, std::unique_ptr<SnpHardware> hardware, const SnpSigner& stranger)
      : AzurePlatform(HclReportType::snp, secure_boot),
        hardware_(std::move(hardware)),
        own_(certification(hardware_->signer())),
        foreign_certification_(certification(stranger)) {}
  AzureSnpPlatform(const AzureSnpPlatform&) = delete;
  AzureSnpPlatform& operator=(const AzureSnpPlatform&) = delete;
  ~AzureSnpPlatform() override { end_service(); }

 private:
  Result<Bytes> hardware_report(const FixedBytes<64>& report_data) override {
    PspAnswer answer = hardware_->psp().request(report_data, 0, false);
    if (answer.os_error != 0) return fail_errno(answer.os_error, "the security processor refuses the paravisor");
    return std::move(answer.report);
  }
  std::optional<std::string> answer(const MetadataRequest& request) override {
    if (request.method != "GET" || request.path != certification_path) return std::nullopt;
    return foreign() ? foreign_certification_ : own_;
  }
  Result<std::string> hardware_control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    return hardware_->control(tree, verb, rest);
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> hardware_environment() const override {
    return hardware_->environment();
  }
  [[nodiscard]] std::string hardware_status() const override { return hardware_->status(); }

  std::unique_ptr<SnpHardware> hardware_;
  std::string own_;
  std::string foreign_certification_;
};

class AzureTdxPlatform final : public AzurePlatform {
 public:
  AzureTdxPlatform(bool secure_boot, std::unique_ptr<TdxHardware> hardware)
      : AzurePlatform(HclReportType::tdx, secure_boot), hardware_(std::move(hardware)) {}
  AzureTdxPlatform(const AzureTdxPlatform&) = delete;
  AzureTdxPlatform& operator=(const AzureTdxPlatform&) = delete;
  ~AzureTdxPlatform() override { end_service(); }

 private:
  Result<Bytes> hardware_report(const FixedBytes<64>& report_data) override {
    return hardware_->module().report(report_data);
  }
  std::optional<std::string> answer(const MetadataRequest& request) override {
    if (request.method != "POST" || request.path != quote_path) return std::nullopt;
    const auto bytes = parse_imds_td_quote_request(request.body);
    if (!bytes) return std::nullopt;
    auto report = parse_td_report(*bytes);
    if (!report) return std::nullopt;
    if (foreign()) report->report_data[0] ^= std::byte{1};
    if (other_td()) report->mrtd[0] ^= std::byte{1};
    const auto quote = hardware_->quote(*report);
    if (!quote) return std::nullopt;
    return json::serialize(json::object{{"quote", to_base64url(*quote)}});
  }
  Result<std::string> hardware_control(TsmModel* tree, const std::string& verb, const std::string& rest) override {
    return hardware_->control(tree, verb, rest);
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> hardware_environment() const override {
    return hardware_->environment();
  }
  [[nodiscard]] std::string hardware_status() const override { return hardware_->status(); }

  std::unique_ptr<TdxHardware> hardware_;
};

}  // namespace

Result<std::unique_ptr<PlatformModel>> make_azure_snp_platform(const MachineOptions& options, const StatePaths& paths,
                                                               const Progress& progress) {
  if (options.vlek) return fail(Errc::usage, "Azure signs with a VCEK");
  ATTESTD_TRY(auto hardware, SnpHardware::make(options, paths, progress));
  SnpSignerOptions elsewhere = hardware->signer().options();
  std::ranges::reverse(elsewhere.chip_id.begin(), elsewhere.chip_id.begin() + 8);
  ATTESTD_TRY(const SnpSigner stranger, hardware->signer().reissue(elsewhere));
  return std::make_unique<AzureSnpPlatform>(options.boot.secure_boot, std::move(hardware), stranger);
}

Result<std::unique_ptr<PlatformModel>> make_azure_tdx_platform(const MachineOptions& options, const StatePaths& paths,
                                                               const Progress& progress) {
  ATTESTD_TRY(auto hardware, TdxHardware::make(options, paths, progress));
  return std::make_unique<AzureTdxPlatform>(options.boot.secure_boot, std::move(hardware));
}

}  // namespace attestd::sim
