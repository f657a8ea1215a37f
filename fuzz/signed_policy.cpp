// Whatever parses encodes to the same policies; none but a signed one is found.
#include "vtpm/signed_policy.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const auto policies = vtpm::parse_signed_policies(as_text(std::as_bytes(std::span(data, size))));
  if (!policies) return 0;
  const std::string encoded = vtpm::encode_signed_policies(*policies);
  const auto again = vtpm::parse_signed_policies(encoded);
  if (!again || vtpm::encode_signed_policies(*again) != encoded) std::abort();
  // A key that signs nothing: its owner has no private half.
  vtpm::PolicyKey key;
  PcrBank bank;
  for (unsigned pcr = 0; pcr < 24; ++pcr) bank[pcr] = Bytes(32);
  for (const vtpm::SignedPolicy& policy : *policies) {
    key.fingerprint = policy.key;
    if (vtpm::find_policy(*policies, key, policy.pcrs, bank)) std::abort();
  }
  return 0;
}
