// Whatever parses as a whole parses as a prefix too, into the same value.
#include "evidence/cbor.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto prefix = attestd::parse_cbor_prefix(input);
  const auto whole = attestd::parse_cbor(input);
  if (whole && !prefix) std::abort();
  if (whole && (whole->kind != prefix->kind || whole->number != prefix->number ||
                whole->items.size() != prefix->items.size() || whole->members.size() != prefix->members.size())) {
    std::abort();
  }
  return 0;
}
