#include "evidence/certificate_times.h"

// Whatever is read is a time, or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)attestd::certificate_not_after(std::as_bytes(std::span(data, size)));
  return 0;
}
