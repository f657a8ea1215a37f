// The broker's configuration: /etc/attestd/broker.toml.
//
// Every key with its default. Durations are text, "500ms", "30s" or "2m".
//
//   [broker]
//   name = ""                             who issues tokens, "https://broker.example:28444"; "": the host's name
//   listen = ["[::]:28444"]               when the service manager passes no socket: ADDRESS:PORT, "vsock::PORT"
//   database = "sqlite:/var/lib/attest-broker/broker.db"   or "postgresql://…", as libpq takes it
//   master-key = ""                       32 bytes, or 64 hex digits; "": the credential attest-broker-key
//   key-cache = "/var/cache/attest-broker"   vendors' certificates and collateral, as `attestctl keys fetch` keeps them
//   threads = 0                           that verify and store; 0: one for each processor
//
//   [tls]
//   certificate = ""                      PEM, with its chain; both are required
//   key = ""
//
//   [protocol]
//   challenge-lifetime = "5m"             from a challenge to its answer
//   token-lifetime = "5m"                 from an attestation to the last release for it
//
//   [limits]
//   connections = 4096
//   connections-per-address = 256         of one address, or of one /64 of IPv6
//   requests = 64                         under way
//   requests-per-address = 16
//   waiting = 1024                        requests that wait for their turn
//   waiting-per-address = 64
//   body = 4194304                        bytes
//   refusals-recorded-per-address = 30    singly in the audit log, in a minute; further ones are counted
//   refusals-recorded = 300               likewise, of all addresses
//   handshake-timeout = "10s"
//   request-timeout = "20s"               for a request's header and body to arrive
//   answer-timeout = "30s"                for an answer to be taken
//   idle-timeout = "30s"                  between two requests of one connection
//
//   [log]
//   level = "info"                        "error", "warning", "notice", "info", "debug"
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/journal.h"
#include "net/server_limits.h"

namespace attestd::broker {

inline constexpr std::string_view default_config_path = "/etc/attestd/broker.toml";
inline constexpr std::string_view master_key_credential = "attest-broker-key";

struct Config {
  std::string name;
  std::vector<std::string> listen{"[::]:28444"};
  std::string database = "sqlite:/var/lib/attest-broker/broker.db";
  std::string master_key;
  std::string key_cache = "/var/cache/attest-broker";
  unsigned threads = 0;
  struct Tls {
    std::string certificate;
    std::string key;
  } tls;
  std::chrono::milliseconds challenge_lifetime{300000};
  std::chrono::milliseconds token_lifetime{300000};
  struct Limits : net::ServerLimits {
    Limits()
        : net::ServerLimits{.connections = 4096,
                            .connections_per_address = 256,
                            .requests = 64,
                            .requests_per_address = 16,
                            .waiting = 1024,
                            .waiting_per_address = 64,
                            .request_timeout = std::chrono::seconds(20)} {}
    unsigned body = 4U << 20U;
    unsigned refusals_recorded_per_address = 30;  // in a minute
    unsigned refusals_recorded = 300;
  } limits;
  daemon::Priority log_level = daemon::Priority::info;
};

// Errors: malformed (TOML, wrong type, unknown key, one of certificate and key without
// the other), out_of_range.
Result<Config> parse_config(std::string_view toml, std::string_view name);
// Defaults when the file is not there.
Result<Config> load_config(const std::string& path);

// The file of the master key: as configured, or the service manager's credential. Error: not_found (neither).
Result<std::string> master_key_path(const Config& config);

}  // namespace attestd::broker
