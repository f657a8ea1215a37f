#include "evidence/statement.h"

#include <cstdlib>

// What parses must encode to something that parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto statement = attestd::parse_statement(std::as_bytes(std::span(data, size)));
  if (!statement) return 0;
  const std::string once = attestd::encode_statement(*statement);
  const auto again = attestd::parse_statement(attestd::as_bytes(once));
  if (!again || attestd::encode_statement(*again) != once) std::abort();
  return 0;
}
