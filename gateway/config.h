// The gateway's configuration: /etc/attestd/gateway.toml.
//
// Every key with its default. Durations are text, "500ms", "30s" or "2m".
//
//   [gateway]
//   listen = ["[::]:28443"]               when the service manager passes no socket: ADDRESS:PORT, "vsock::PORT"
//   agent = "/run/attestd/attestd.sock"   attestd's socket
//   status-max-age = "1s"                 how long an answer to GET /v1/status or /v1/health is given again
//
//   [tls]
//   certificate = ""                      PEM, with its chain; "": made at start, with evidence for its key in it
//   key = ""                              PEM, of the certificate
//
//   [limits]
//   connections = 1024
//   connections-per-address = 256         of one address, or of one /64 of IPv6
//   requests = 512                        for evidence, under way at attestd
//   requests-per-address = 128
//   waiting = 4096                        requests that wait for their turn
//   waiting-per-address = 512
//   handshake-timeout = "10s"
//   request-timeout = "10s"               for a request's header and body to arrive
//   answer-timeout = "30s"                for an answer to be taken
//   idle-timeout = "30s"                  between two requests of one connection
//   agent-timeout = "60s"                 for attestd to answer
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

namespace attestd::gateway {

inline constexpr std::string_view default_config_path = "/etc/attestd/gateway.toml";

struct Config {
  std::vector<std::string> listen{"[::]:28443"};
  std::string agent = "/run/attestd/attestd.sock";
  std::chrono::milliseconds status_max_age{1000};
  struct Tls {
    std::string certificate;
    std::string key;
  } tls;
  struct Limits : net::ServerLimits {
    Limits()
        : net::ServerLimits{.connections = 1024,
                            .connections_per_address = 256,
                            .requests = 512,
                            .requests_per_address = 128,
                            .waiting = 4096,
                            .waiting_per_address = 512} {}
    std::chrono::milliseconds agent_timeout{60000};
  } limits;
  daemon::Priority log_level = daemon::Priority::info;
};

// Errors: malformed (TOML, wrong type, unknown key, one of certificate and key without
// the other), out_of_range.
Result<Config> parse_config(std::string_view toml, std::string_view name);
// Defaults when the file is not there.
Result<Config> load_config(const std::string& path);

}  // namespace attestd::gateway
