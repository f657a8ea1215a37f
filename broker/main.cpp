// attest-brokerd(8).
#include "broker/server.h"
#include "daemon/server_program.h"
#include "net/tls_identity.h"

namespace {

using namespace attestd;
using namespace attestd::broker;

constexpr std::size_t spare_descriptors = 256;

Result<void> check(const Config& config) {
  if (config.tls.certificate.empty()) return no_certificate();
  ATTESTD_CHECK(net::TlsIdentity::load(config.tls.certificate, config.tls.key));
  return {};
}

// One for each connection, also those that are turned away.
std::size_t descriptors(const Config& config) { return std::size_t{2} * config.limits.connections + spare_descriptors; }

// By value, as all servers are given it: it lives as long as they run.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
Result<void> open_and_serve(Config config, std::vector<UniqueFd> listeners, Reload reload) {
  ATTESTD_TRY(const std::unique_ptr<Store> store, open_store(config));
  return serve(config, *store, std::move(listeners), std::move(reload));
}

int run(const std::string& config_path, bool check_only) {
  return daemon::run_server<Config>({load_config, check, descriptors, open_and_serve}, config_path, check_only);
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::run_program({.name = "attest-brokerd",
                              .description = "Releases secrets to confidential VMs after attestation.",
                              .config_path = std::string(default_config_path),
                              .run = run},
                             argc, argv);
}
