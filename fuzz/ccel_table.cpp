// Whatever parses encodes to the same bytes, but for the two reserved ones.
#include "evidence/ccel.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto table = attestd::parse_ccel_table(input);
  if (!table) return 0;
  const auto again = attestd::parse_ccel_table(attestd::encode_ccel_table(*table));
  if (!again || again->log_area_start_address != table->log_area_start_address) std::abort();
  return 0;
}
