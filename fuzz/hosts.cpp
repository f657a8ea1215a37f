#include <cstdlib>

#include "base/bytes.h"
#include "client/hosts.h"

// Every host that is accepted has a name, and its files absolute paths.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto hosts = attestd::parse_hosts(attestd::as_text(std::as_bytes(std::span(data, size))), "/etc/attestd");
  if (!hosts) return 0;
  for (const auto& host : *hosts) {
    if (host.names.empty()) std::abort();
    if (!host.policy.empty() && !host.policy.starts_with('/')) std::abort();
    if (!host.ca_file.empty() && !host.ca_file.starts_with('/')) std::abort();
  }
  return 0;
}
