#include "sim/state_files.h"

#include <boost/json.hpp>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "evidence/pem.h"
#include "sim/platform.h"
#include "sim/software_tpm.h"

namespace attestd::sim {
namespace {

constexpr unsigned public_mode = 0644;

std::string agent_config(const StatePaths& paths, const MachineOptions& options, PlatformModel& platform,
                         bool tsm_mounted) {
  std::string out = "# Written by attestd-sim at every start: attestd inside the software CVM.\n";
  out += "[api]\nsocket = " + toml_string(paths.agent_socket) + "\n\n";
  out += platform.agent_config(tsm_mounted ? paths.tsm : "") + "\n";
  out +=
      "[tpm]\ntcti = " + toml_string(options.tpm ? platform.agent_tcti(software_tpm_tcti(paths.tpm)) : "off") + "\n\n";
  out += "[event-log]\nfirmware = " + (options.tpm ? toml_string(paths.firmware_log) : "\"\"") + "\n";
  out += "userspace = " + (options.tpm ? toml_string(paths.userspace_log) : "\"\"") + "\n";
  return out;
}

std::string environment(const StatePaths& paths, const MachineOptions& options, PlatformModel& platform,
                        bool tsm_mounted) {
  boost::json::object out;
  out["state"] = paths.state;
  out["platform"] = options.platform;
  out["control_socket"] = control_path(paths.state);
  out["attestd_config"] = paths.agent_config;
  out["attestd_socket"] = paths.agent_socket;
  out["trust_root"] = paths.trust_root;
  if (std::filesystem::exists(paths.trust_vtpm_root)) out["trust_vtpm_root"] = paths.trust_vtpm_root;
  if (std::filesystem::exists(paths.trust_nitro_root)) out["trust_nitro_root"] = paths.trust_nitro_root;
  out["certificates"] = paths.certificates;
  for (const auto& [name, value] : platform.environment()) out[name] = value;
  if (tsm_mounted) out["configfs_tsm"] = paths.tsm;
  if (options.tpm) {
    out["tcti"] = platform.agent_tcti(software_tpm_tcti(paths.tpm));
    out["firmware_event_log"] = paths.firmware_log;
    out["userspace_event_log"] = paths.userspace_log;
  }
  return boost::json::serialize(out) + "\n";
}

std::string certificate_name(const Guid& guid, bool vlek) {
  if (guid == snp_guid_vcek) return "vcek.pem";
  if (guid == snp_guid_vlek) return "vlek.pem";
  if (guid == snp_guid_ask) return vlek ? "asvk.pem" : "ask.pem";
  if (guid == snp_guid_ark) return "ark.pem";
  return guid + ".pem";
}

}  // namespace

StatePaths::StatePaths(std::string folder)
    : state(std::move(folder)),
      keys(state + "/keys"),
      certificates(state + "/certs"),
      trust_root(state + "/trust-root.pem"),
      trust_vtpm_root(state + "/trust-vtpm-root.pem"),
      trust_nitro_root(state + "/trust-nitro-root.pem"),
      tsm(state + "/tsm/report"),
      tpm(state + "/tpm"),
      firmware_log(state + "/log/binary_bios_measurements"),
      userspace_log(state + "/log/tpm2-measure.log"),
      agent_socket(state + "/attestd.sock"),
      agent_config(state + "/attestd.toml"),
      environment(state + "/env.json"),
      lock(state + "/lock") {}

Result<void> write_certificates(const StatePaths& paths, const SnpSigner& signer) {
  // Those of another signing key must not stay.
  std::error_code error;
  std::filesystem::remove_all(paths.certificates, error);
  std::filesystem::create_directories(paths.certificates, error);
  if (error) return fail_errno(error.value(), "cannot create " + paths.certificates);
  const bool vlek = signer.options().signing_key == SnpSigningKey::vlek;
  for (const SnpCertificate& certificate : signer.certificates()) {
    const std::string path = paths.certificates + "/" + certificate_name(certificate.guid, vlek);
    ATTESTD_CHECK(replace_file(path, as_bytes(certificate_to_pem(certificate.data)), public_mode));
  }
  return replace_file(paths.trust_root, as_bytes(signer.root_pem()), public_mode);
}

Result<void> write_environment(const StatePaths& paths, const MachineOptions& options, PlatformModel& platform,
                               bool tsm_mounted) {
  ATTESTD_CHECK(
      replace_file(paths.environment, as_bytes(environment(paths, options, platform, tsm_mounted)), public_mode));
  return replace_file(paths.agent_config, as_bytes(agent_config(paths, options, platform, tsm_mounted)), public_mode);
}

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace attestd::sim
