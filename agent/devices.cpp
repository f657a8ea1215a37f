#include "agent/devices.h"

#include <unistd.h>

#include "agent/azure_evidence.h"
#include "agent/gcp_evidence.h"
#include "agent/nitro_document.h"
#include "agent/platform.h"
#include "agent/tdx_parts.h"
#include "daemon/journal.h"
#include "hwio/configfs_tsm.h"
#include "hwio/sev_guest.h"

namespace attestd::agent {
using daemon::journal, daemon::Priority;
namespace events = daemon::events;
namespace {

// The resource manager does not pass on commands that the TPM does not list.
constexpr const char* tpm_without_manager = "device:/dev/tpm0";
constexpr std::uint16_t sha256_bank = 0x000b;  // TPM_ALG_ID
constexpr std::uint16_t sha384_bank = 0x000c;

using OpenedReport = Result<std::unique_ptr<hwio::ReportDevice>>;

OpenedReport open_configfs(const std::string& folder, const hwio::ConfigfsTsmOptions& options) {
  auto files = hwio::open_tsm_directory(folder);
  // The folder is there as soon as the module is; only an entry shows a provider.
  const std::string probe = "attestd-probe-" + std::to_string(::getpid());
  // One is there when a process with our number crashed.
  [[maybe_unused]] const auto stale = files->remove_entry(probe);
  ATTESTD_CHECK(files->make_entry(probe));
  ATTESTD_CHECK(files->remove_entry(probe));
  return hwio::make_configfs_tsm(std::move(files), options);
}

OpenedReport open_configfs(const Config::Snp& config, bool svsm = false) {
  hwio::ConfigfsTsmOptions options;
  options.privlevel = config.vmpl;
  if (svsm) options.svsm_service = std::string(hwio::svsm_vtpm_service);
  return open_configfs(config.configfs, options);
}

OpenedReport open_device(const Config::Snp& config) {
  ATTESTD_TRY(auto device, hwio::open_ioctl_device(config.device));
  hwio::SevGuestOptions options;
  options.vmpl = config.vmpl.value_or(0);
  return hwio::make_sev_guest(std::move(device), options);
}

OpenedReport open_snp(const Config::Snp& config, bool svsm) {
  // Another report than the SVSM's says nothing of its vTPM, so there is no other way.
  if (svsm && config.backend != SnpBackend::off) return open_configfs(config, true);
  switch (config.backend) {
    case SnpBackend::off: return fail(Errc::not_found, "hardware reports are off: snp.backend = \"off\"");
    case SnpBackend::configfs_tsm: return open_configfs(config);
    case SnpBackend::sev_guest: return open_device(config);
    case SnpBackend::automatic: break;
  }
  auto first = open_configfs(config);
  if (first) return first;
  auto second = open_device(config);
  if (second) return second;
  // The one that is there has the more useful reason.
  if (first.error().code != Errc::not_found && second.error().code == Errc::not_found) return first;
  if (second.error().code != Errc::not_found) return second;
  return fail(Errc::not_found, "neither " + config.configfs + " has a provider nor is there " + config.device);
}

OpenedReport open_tdx(const Config::Tdx& config) {
  if (config.backend == TdxBackend::off) {
    return fail(Errc::not_found, "hardware reports are off: tdx.backend = \"off\"");
  }
  return open_configfs(config.configfs, {});
}

// Where a NitroTPM takes its own command; empty: none is to be asked.
std::string nitro_tcti(const Config::Nitro& config, const PlatformClaim& platform) {
  if (config.tcti == "off") return {};
  if (config.tcti != "auto") return config.tcti;
  return platform.name.starts_with("aws-") ? tpm_without_manager : "";
}

// The attestation document of the moment that was quoted.
TpmPart nitro_part(std::string tcti, bool may_be_absent) {
  return [tcti = std::move(tcti), may_be_absent](hwio::Tpm& /*tpm*/, const MerkleHash& root,
                                                 Bundle& into) -> Result<void> {
    constexpr std::string_view what = "attestation document";
    auto document = request_nitro_document(tcti, root);
    // An instance type whose TPM has no documents: the verifier says what is missing.
    if (!document && document.error().code == Errc::unsupported && may_be_absent) return {};
    if (!document) return std::unexpected(std::move(document).error().in(what));
    const PcrValues quoted = into.tpm ? into.tpm->pcrs : PcrValues{};
    if (auto good = check_nitro_document(*document, root, quoted); !good) {
      return std::unexpected(std::move(good).error().in(what));
    }
    into.nitro_document = *std::move(document);
    return {};
  };
}

// What is missing is told when it changes, not with every request.
TpmPart azure_part(const AzureOptions& options, Fetch fetch) {
  return [azure = std::make_shared<AzureEvidence>(options, std::move(fetch)), told = std::make_shared<std::string>()](
             hwio::Tpm& tpm, const MerkleHash& root, Bundle& into) -> Result<void> {
    ATTESTD_CHECK(azure->collect(tpm, root, into));
    if (azure->problem() != *told) {
      *told = azure->problem();
      if (!told->empty()) journal(Priority::warning, events::evidence_incomplete, *told);
    }
    return {};
  };
}

}  // namespace

Devices system_devices(const Config& config, Fetch fetch) {
  Devices devices;
  const PlatformFacts facts = read_platform_facts(config);
  devices.platform = detect_platform(facts, config.platform.name);
  if (devices.platform.name.ends_with("-tdx")) {
    devices.open_report = [tdx = config.tdx] { return open_tdx(tdx); };
    if (!config.tdx.device.empty()) {
      devices.report_parts.push_back(
          same_td_part([path = config.tdx.device] { return hwio::open_ioctl_device(path); }));
    }
    devices.report_parts.push_back(cc_event_log_part(config.tdx.event_log));
  } else {
    devices.open_report = [snp = config.snp, svsm = devices.platform.name == "svsm-snp"] {
      return open_snp(snp, svsm);
    };
  }
  const TpmPlace place = find_tpm(config.tpm);
  if (place.tcti.empty()) {
    devices.tpm_absent = place.absent;
    return devices;
  }
  hwio::TpmOptions options;
  options.tcti = place.tcti;
  options.banks = config.tpm.banks;
  options.pcrs = config.tpm.pcrs;
  if (std::string tcti = nitro_tcti(config.nitro, devices.platform); !tcti.empty()) {
    devices.tpm_parts.push_back(nitro_part(std::move(tcti), config.nitro.tcti == "auto"));
    // Its documents vouch for the SHA-384 bank alone; another one was not configured.
    const std::vector<std::uint16_t> standard{sha256_bank};
    if (options.banks == standard) options.banks = {sha384_bank};
  }
  if (devices.platform.name.starts_with("azure-")) {
    options.ak_handle = hcl_ak_handle;
    devices.tpm_reports = "azure-hcl";
    devices.tpm_parts.push_back(azure_part(config.azure, std::move(fetch)));
  }
  if (devices.platform.name.starts_with("gcp-")) {
    choose_gcp_key(facts.nv_indices, options);
    if (!config.gcp.ak_chain.empty()) devices.tpm_parts.push_back(gcp_chain_part(config.gcp.ak_chain));
  }
  devices.tpm = hwio::Tpm::make(std::move(options));
  return devices;
}

}  // namespace attestd::agent
