#include <cstdlib>

#include "base/bytes.h"
#include "gateway/config.h"

// A configuration that is accepted can be served by.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config =
      attestd::gateway::parse_config(attestd::as_text(std::as_bytes(std::span(data, size))), "gateway.toml");
  if (!config) return 0;
  if (config->listen.empty() || config->limits.connections == 0 || config->limits.requests == 0) std::abort();
  if (config->tls.certificate.empty() != config->tls.key.empty()) std::abort();
  return 0;
}
