// The daemon's configuration: /etc/attestd/attestd.toml.
//
// Every key with its default. Durations are text, "500ms", "30s" or "2m".
//
//   [api]
//   socket = "/run/attestd/attestd.sock"  where to listen when the service manager passes no socket
//   max-connections = 1100                more are answered 503 "overloaded" and closed
//   request-timeout = "30s"               for a request's header and body to arrive, and for an answer to be taken
//   idle-timeout = "30s"                  between two requests of one connection
//   cached-evidence-max-age = "60s"       how long GET /v1/evidence gives the same bundle
//   channel-group = "attestd-gateway"     who may have evidence made for a TLS channel, beside uid 0
//
//   [platform]
//   name = "auto"                         what attestd sees from inside; or one of platform.h's names, which is
//                                         then taken for true without looking
//
//   [snp]
//   backend = "auto"                      "configfs-tsm", "sev-guest", "off"; auto takes the first that is there
//   configfs = "/sys/kernel/config/tsm/report"
//   device = "/dev/sev-guest"
//   vmpl = 0                              0 to 3; left out: the kernel's default
//
//   [tdx]
//   backend = "auto"                      "configfs-tsm", "off"
//   configfs = "/sys/kernel/config/tsm/report"
//   device = "/dev/tdx_guest"             quotes are compared with its TDREPORT; "": they are not
//   event-log = "/sys/firmware/acpi/tables/data/CCEL"   the CCEL's log area; "" leaves it out
//   measurements = "/sys/devices/virtual/misc/tdx_guest/measurements"   RTMRs, for attestd-unlock's latch
//
//   [azure]
//   metadata-service = "http://169.254.169.254"
//   timeout = "4s"                        of each request to it
//   key-service = ""                      base URL of AMD's, for a VCEK that the metadata service does not give
//   user-data = true                      false: NV index 0x01400002 of the vTPM is left alone
//
//   [gcp]
//   ak-chain = ""                         PEM: issuers of the attestation key's certificate, which the TPM has not
//
//   [tpm]
//   tcti = "auto"                         "off", or as tpm2-tss names it ("swtpm:path=/run/…"); auto is
//                                         device:/dev/tpmrm0 when that is there at start, else none
//   banks = ["sha256"]                    of sha1, sha256, sha384, sha512; with a NitroTPM the default is
//                                         ["sha384"], which is what its documents vouch for
//   pcrs = [0, 1, …, 15, 16, 23]
//
//   [nitro]
//   tcti = "auto"                         where a NitroTPM takes its own command, or "off"; auto is
//                                         device:/dev/tpm0 on the platform aws-snp, else none
//
//   [event-log]                           "" leaves a log out
//   firmware = "/sys/kernel/security/tpm0/binary_bios_measurements"
//   userspace = "/run/log/systemd/tpm2-measure.log"
//
//   [ssh]
//   sshd = "/usr/sbin/sshd"               asked with -T which host keys it offers; "" asks nobody
//   config = ""                           passed to sshd as -f
//   host-keys = []                        key files, instead of asking sshd
//
//   [collection]
//   timeout = "10s"                       how long an asker waits for the report device and for the TPM, each
//
//   [batching]
//   enabled = true                        false: one report for each asker, one after the other
//   max = 4096                            askers who share a report
//
//   [log]
//   level = "info"                        "error", "warning", "notice", "info", "debug"
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/azure_options.h"
#include "base/result.h"
#include "daemon/journal.h"

namespace attestd::agent {

inline constexpr std::string_view default_config_path = "/etc/attestd/attestd.toml";

enum class SnpBackend { automatic, configfs_tsm, sev_guest, off };
enum class TdxBackend { automatic, configfs_tsm, off };

struct Config {
  struct Api {
    std::string socket = "/run/attestd/attestd.sock";
    unsigned max_connections = 1100;
    std::chrono::milliseconds request_timeout{30000};
    std::chrono::milliseconds idle_timeout{30000};
    std::chrono::milliseconds cached_evidence_max_age{60000};
    std::string channel_group = "attestd-gateway";
  } api;
  struct Platform {
    std::string name = "auto";
  } platform;
  struct Snp {
    SnpBackend backend = SnpBackend::automatic;
    std::string configfs = "/sys/kernel/config/tsm/report";
    std::string device = "/dev/sev-guest";
    std::optional<unsigned> vmpl;
  } snp;
  struct Tdx {
    TdxBackend backend = TdxBackend::automatic;
    std::string configfs = "/sys/kernel/config/tsm/report";
    std::string device = "/dev/tdx_guest";
    std::string event_log = "/sys/firmware/acpi/tables/data/CCEL";
    std::string measurements = "/sys/devices/virtual/misc/tdx_guest/measurements";
  } tdx;
  AzureOptions azure;
  struct Tpm {
    std::string tcti = "auto";
    std::vector<std::uint16_t> banks = {0x000b};  // TPM_ALG_ID
    std::vector<unsigned> pcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 23};
  } tpm;
  struct Nitro {
    std::string tcti = "auto";
  } nitro;
  struct Gcp {
    std::string ak_chain;
  } gcp;
  struct EventLog {
    std::string firmware = "/sys/kernel/security/tpm0/binary_bios_measurements";
    std::string userspace = "/run/log/systemd/tpm2-measure.log";
  } event_log;
  struct Ssh {
    std::string sshd = "/usr/sbin/sshd";
    std::string config;
    std::vector<std::string> host_keys;
  } ssh;
  struct Collection {
    std::chrono::milliseconds timeout{10000};
  } collection;
  struct Batching {
    bool enabled = true;
    unsigned max = 4096;
  } batching;
  struct Log {
    daemon::Priority level = daemon::Priority::info;
  } log;
};

// `name` stands before the line number in errors: "attestd.toml:3: unknown key …".
// Errors: malformed (TOML, wrong type, unknown key), out_of_range.
Result<Config> parse_config(std::string_view toml, std::string_view name);
// Defaults when the file is not there.
Result<Config> load_config(const std::string& path);

}  // namespace attestd::agent
