#include "evidence/bundle.h"

#include <cstdlib>

// What parses must encode to something that parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bundle = attestd::parse_bundle(attestd::as_text(std::as_bytes(std::span(data, size))));
  if (!bundle) return 0;
  static_cast<void>(attestd::bundle_root(*bundle));
  const std::string once = attestd::encode_bundle(*bundle);
  const auto again = attestd::parse_bundle(once);
  if (!again || attestd::encode_bundle(*again) != once) std::abort();
  return 0;
}
