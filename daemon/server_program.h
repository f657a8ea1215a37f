// main() of a daemon that serves the network: gateway and broker differ in what they serve.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"
#include "net/listeners.h"

namespace attestd::daemon {

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// Its command line: --config, --check-config, --version. Runs `run` with the configuration's path, and whether it
// is only to be checked. The process's exit status.
struct Program {
  std::string name;
  std::string description;
  std::string config_path;  // without --config
  std::function<int(const std::string& config_path, bool check_only)> run;
};
int run_program(const Program& program, int argc, char** argv);

// Logs the error; `status`.
int tell(const Error& error, const Event& event, int status);

template <class Config>
struct ServerParts {
  Result<Config> (*load)(const std::string& path);
  // What parsing cannot tell: of files that it names.
  Result<void> (*check)(const Config& config);
  // That it may have open at once.
  std::size_t (*descriptors)(const Config& config);
  Result<void> (*serve)(Config config, std::vector<UniqueFd> listeners, std::function<Result<Config>()> reload);
};

// Config has log_level and listen. The process's exit status.
template <class Config>
int run_server(const ServerParts<Config>& parts, const std::string& config_path, bool check_only) {
  auto config = parts.load(config_path);
  if (!config) return tell(config.error(), events::configuration_refused, exit_usage);
  if (check_only) {
    const auto usable = parts.check(*config);
    if (!usable) return tell(usable.error(), events::configuration_refused, exit_usage);
    std::puts((config_path + " is good").c_str());
    return 0;
  }
  set_log_level(config->log_level);
  raise_descriptor_limit(parts.descriptors(*config));
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  auto listeners = take_passed_sockets();
  if (listeners && listeners->empty()) listeners = net::listen_at(config->listen);
  if (!listeners) return tell(listeners.error(), events::failed, exit_failed);
  const auto served = parts.serve(*std::move(config), *std::move(listeners),
                                  [load = parts.load, config_path] { return load(config_path); });
  return served ? 0 : tell(served.error(), events::failed, exit_failed);
}

}  // namespace attestd::daemon
