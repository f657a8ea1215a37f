#include <cstdlib>

#include "client/proof_cache.h"

// What is accepted is written as what reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto proof = attestd::parse_proof(attestd::as_text(std::as_bytes(std::span(data, size))));
  if (!proof) return 0;
  const std::string text = attestd::encode_proof(*proof);
  const auto again = attestd::parse_proof(text);
  if (!again || attestd::encode_proof(*again) != text) std::abort();
  return 0;
}
