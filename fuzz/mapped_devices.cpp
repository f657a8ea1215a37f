// What attestd-volumes tells, and the kernel's text of each target in it.
#include "evidence/mapped_devices.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto devices = attestd::parse_mapped_devices(std::as_bytes(std::span(data, size)));
  if (!devices) return 0;
  for (const auto& device : *devices) {
    [[maybe_unused]] const auto mappings = attestd::mappings_of(device, "crypt-luks2");
  }
  return 0;
}
