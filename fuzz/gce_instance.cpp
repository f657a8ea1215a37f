#include <cstdlib>
#include <span>

#include "evidence/gce_instance.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto instance = attestd::parse_gce_instance(std::as_bytes(std::span(data, size)));
  if (!instance) return 0;
  const auto again = attestd::parse_gce_instance(attestd::encode_gce_instance(*instance));
  if (!again || *again != *instance) std::abort();
  return 0;
}
