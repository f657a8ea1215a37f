// attest-brokerd(8).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include <config.h>
#include "agent/service_manager.h"
#include "broker/server.h"
#include "net/listeners.h"
#include "net/tls_identity.h"

namespace {

using namespace attestd;
using namespace attestd::broker;
using agent::journal, agent::Priority;
namespace events = agent::events;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr std::size_t spare_descriptors = 256;

int tell(const Error& error, const agent::Event& event, int status) {
  journal(Priority::error, event, error.text());
  return status;
}

int run(const std::string& config_path, bool check_only) {
  const auto load = [config_path] { return load_config(config_path); };
  auto config = load();
  if (!config) return tell(config.error(), events::configuration_refused, exit_usage);
  if (check_only) {
    if (config->tls.certificate.empty())
      return tell(no_certificate().error(), events::configuration_refused, exit_usage);
    const auto usable = net::TlsIdentity::load(config->tls.certificate, config->tls.key);
    if (!usable) return tell(usable.error(), events::configuration_refused, exit_usage);
    std::puts((config_path + " is good").c_str());
    return 0;
  }
  agent::set_log_level(config->log_level);
  // One for each connection, also those that are turned away.
  agent::raise_descriptor_limit(std::size_t{2} * config->limits.connections + spare_descriptors);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  auto listeners = agent::take_passed_sockets();
  if (listeners && listeners->empty()) listeners = net::listen_at(config->listen);
  if (!listeners) return tell(listeners.error(), events::failed, exit_failed);
  const auto store = open_store(*config);
  if (!store) return tell(store.error(), events::failed, exit_failed);
  const auto served = serve(*config, **store, *std::move(listeners), load);
  return served ? 0 : tell(served.error(), events::failed, exit_failed);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Releases secrets to confidential VMs after attestation.", "attest-brokerd");
    std::string config_path(default_config_path);
    bool check_only = false;
    app.add_option("--config", config_path, "Configuration file; defaults apply when it is not there")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--check-config", check_only,
                 "Read the configuration and the certificate that it names, say what is wrong, and exit");
    app.set_version_flag("--version", "attest-brokerd " ATTESTD_VERSION);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : exit_usage;
    }
    return run(config_path, check_only);
  } catch (const std::exception& exception) {
    std::fputs((std::string("attest-brokerd: ") + exception.what() + "\n").c_str(), stderr);
    return exit_failed;
  }
}
