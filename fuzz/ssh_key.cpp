#include "evidence/ssh_key.h"

#include <cstdlib>

// A key that is accepted is written as one line without control characters,
// which reads back as the same key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = attestd::parse_ssh_public_key(attestd::as_text(std::as_bytes(std::span(data, size))));
  if (!key) return 0;
  const std::string line = key->line();
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  const auto again = attestd::parse_ssh_public_key(line);
  if (!again || !(*again == *key)) std::abort();
  return 0;
}
