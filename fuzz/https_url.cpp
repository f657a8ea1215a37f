#include "net/https_url.h"

#include <cstdlib>

#include "base/bytes.h"

// What is accepted is written as a URL that reads back as the same server.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string url(attestd::as_text(std::as_bytes(std::span(data, size))));
  if (const auto any = attestd::parse_http_url(url)) {
    if (any->server.port == 0 || any->server.host.empty() || !any->target.starts_with('/')) std::abort();
    if (any->target.find_first_of(" \r\n") != std::string::npos) std::abort();
  }
  const auto server = attestd::parse_https_url(url, 28443);
  if (!server) return 0;
  const auto again = attestd::parse_https_url(attestd::https_url(*server), 1);
  if (!again || *again != *server || server->port == 0) std::abort();
  return 0;
}
