#include <cstdlib>

#include "base/bytes.h"
#include "net/query.h"

// What is accepted reads back as the same from its encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto query = attestd::parse_query(attestd::as_text(std::as_bytes(std::span(data, size))));
  if (!query) return 0;
  std::string text;
  for (const auto& [name, value] : *query) {
    text += (text.empty() ? "" : "&") + attestd::encode_query_value(name) + "=" + attestd::encode_query_value(value);
  }
  const auto again = attestd::parse_query(text);
  if (!again || *again != *query) std::abort();
  return 0;
}
