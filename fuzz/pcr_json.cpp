#include <cstdlib>
#include <span>

#include "evidence/pcr.h"

// What parses must encode to something that parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto values = attestd::pcr_values_from_json(attestd::as_text(bytes));
  if (!values) return 0;
  const auto again = attestd::pcr_values_from_json(attestd::pcr_values_to_json(*values));
  if (!again || *again != *values) std::abort();
  return 0;
}
