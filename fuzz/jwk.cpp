// A key from a peer; one that is taken is written as it is read.
#include "jose/jwk.h"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const auto key = parse_jwk(as_text(std::as_bytes(std::span(data, size))));
  if (!key) return 0;
  const auto again = parse_jwk(key->json());
  if (!again || again->json() != key->json() || again->thumbprint() != key->thumbprint()) std::abort();
  return 0;
}
