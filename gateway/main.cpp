// attestd-gateway(8).
#include "daemon/server_program.h"
#include "gateway/gateway.h"
#include "net/tls_identity.h"

namespace {

using namespace attestd;
using namespace attestd::gateway;

constexpr std::size_t spare_descriptors = 256;

Result<void> check(const Config& config) {
  if (config.tls.certificate.empty()) return {};
  ATTESTD_CHECK(net::TlsIdentity::load(config.tls.certificate, config.tls.key));
  return {};
}

// One for each connection, also those that are turned away, and one to attestd for each request.
std::size_t descriptors(const Config& config) {
  return std::size_t{2} * config.limits.connections + config.limits.requests + spare_descriptors;
}

int run(const std::string& config_path, bool check_only) {
  return daemon::run_server<Config>({load_config, check, descriptors, serve}, config_path, check_only);
}

}  // namespace

int main(int argc, char** argv) {
  return daemon::run_program(
      {.name = "attestd-gateway",
       .description = "Serves the evidence of this confidential VM over HTTPS, each bound to its TLS connection.",
       .config_path = std::string(default_config_path),
       .run = run},
      argc, argv);
}
