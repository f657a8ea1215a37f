#include "verifier/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = attestd::as_text(std::as_bytes(std::span(data, size)));
  // trust.roots names files; a fuzzer has no business opening them.
  if (text.find("roots") != std::string_view::npos || text.find('\\') != std::string_view::npos) return 0;
  const auto policy = attestd::parse_policy(text, "/nonexistent");
  if (policy) static_cast<void>(attestd::explain_policy(*policy));
  return 0;
}
