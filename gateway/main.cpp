// attestd-gateway(8).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include <config.h>
#include "agent/service_manager.h"
#include "gateway/gateway.h"
#include "net/listeners.h"
#include "net/tls_identity.h"

namespace {

using namespace attestd;
using namespace attestd::gateway;
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
    if (!config->tls.certificate.empty()) {
      const auto usable = net::TlsIdentity::load(config->tls.certificate, config->tls.key);
      if (!usable) return tell(usable.error(), events::configuration_refused, exit_usage);
    }
    std::puts((config_path + " is good").c_str());
    return 0;
  }
  agent::set_log_level(config->log_level);
  // One for each connection, also those that are turned away, and one to attestd for each request.
  agent::raise_descriptor_limit(std::size_t{2} * config->limits.connections + config->limits.requests +
                                spare_descriptors);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  auto listeners = agent::take_passed_sockets();
  if (listeners && listeners->empty()) listeners = net::listen_at(config->listen);
  if (!listeners) return tell(listeners.error(), events::failed, exit_failed);
  const auto served = serve(*std::move(config), *std::move(listeners), load);
  return served ? 0 : tell(served.error(), events::failed, exit_failed);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Serves the evidence of this confidential VM over HTTPS, each bound to its TLS connection.",
                 "attestd-gateway");
    std::string config_path(default_config_path);
    bool check_only = false;
    app.add_option("--config", config_path, "Configuration file; defaults apply when it is not there")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--check-config", check_only,
                 "Read the configuration and the certificate that it names, say what is wrong, and exit");
    app.set_version_flag("--version", "attestd-gateway " ATTESTD_VERSION);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : exit_usage;
    }
    return run(config_path, check_only);
  } catch (const std::exception& exception) {
    std::fputs((std::string("attestd-gateway: ") + exception.what() + "\n").c_str(), stderr);
    return exit_failed;
  }
}
