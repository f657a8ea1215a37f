// attestd(8).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include <config.h>
#include "agent/agent.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"

namespace {

using namespace attestd;
using namespace attestd::agent;
using daemon::journal, daemon::Priority;
namespace events = daemon::events;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr std::size_t spare_descriptors = 64;

int serve(const std::string& config_path, const std::string& socket, bool check_only) {
  const auto load = [&]() -> Result<Config> {
    ATTESTD_TRY(Config config, load_config(config_path));
    if (!socket.empty()) config.api.socket = socket;
    return config;
  };
  auto config = load();
  if (!config) {
    journal(Priority::error, events::configuration_refused, config.error().text());
    return exit_usage;
  }
  if (check_only) {
    std::puts((config_path + " is good").c_str());
    return 0;
  }
  daemon::set_log_level(config->log.level);
  // A connection for each asker needs more than the usual 1024 descriptors.
  daemon::raise_descriptor_limit(std::size_t{2} * config->api.max_connections + spare_descriptors);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  Devices devices = system_devices(*config);
  AgentHooks hooks;
  hooks.reload = load;
  hooks.signals = true;
  hooks.service = true;
  if (const auto served = run_agent(*std::move(config), std::move(devices), std::move(hooks)); !served) {
    journal(Priority::error, events::failed, served.error().text());
    return exit_failed;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Proves to those who ask what this confidential VM runs, and which ssh host keys are its own.",
                 "attestd");
    std::string config_path(default_config_path);
    std::string socket;
    bool check_only = false;
    app.add_option("--config", config_path, "Configuration file; defaults apply when it is not there")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--check-config", check_only, "Read the configuration, say what is wrong with it, and exit");
    app.add_option("--socket", socket, "Listen at PATH, whatever the configuration says")->type_name("PATH");
    app.set_version_flag("--version", "attestd " ATTESTD_VERSION);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : exit_usage;
    }
    return serve(config_path, socket, check_only);
  } catch (const std::exception& exception) {
    std::fputs((std::string("attestd: ") + exception.what() + "\n").c_str(), stderr);
    return exit_failed;
  }
}
