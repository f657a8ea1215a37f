#include "evidence/json_strict.h"

#include <cstdlib>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = attestd::as_text(std::as_bytes(std::span(data, size)));
  static_cast<void>(attestd::check_json(text));
  // Any bytes must become text that a JSON string can hold.
  const std::string clean = attestd::to_valid_utf8(text);
  std::string quoted = "\"";
  for (const char c : clean) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') quoted += c;
  }
  if (!attestd::check_json(quoted + '"')) std::abort();
  return 0;
}
