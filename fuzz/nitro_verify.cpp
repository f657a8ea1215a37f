// An attestation document as evidence brings it. Nothing here may be good: no root
// is named, and AWS signed none of it.
#include <cstdlib>

#include "verifier/nitro.h"

using namespace attestd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(reinterpret_cast<const std::byte*>(data), size);
  constexpr std::int64_t at = 1764000000;
  const NitroVerification result = verify_nitro(input, {}, at);
  if (result.checks.size() != 2 || result.good()) std::abort();
  // A root that came with the evidence reaches the code behind the trust decision.
  if (result.document) {
    const NitroVerification named = verify_nitro(input, {{result.document->cabundle.front()}}, at);
    if (named.good() && !named.simulated) std::abort();
  }
  return 0;
}
