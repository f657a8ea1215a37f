// The kernel's table of mounts: mount points and sources are anybody's text.
#include "hwio/mountinfo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] const auto entries = attestd::hwio::parse_mountinfo(std::as_bytes(std::span(data, size)));
  return 0;
}
