#include "net/srv.h"

#include <cstdlib>

// What is accepted is bounded, and its targets can be in a URL.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto records = attestd::parse_srv(std::as_bytes(std::span(data, size)));
  if (!records) return 0;
  if (records->size() > attestd::srv_limit) std::abort();
  for (const auto& record : *records) {
    if (record.target.find_first_of("/:@?# \r\n") != std::string::npos) std::abort();
  }
  return 0;
}
