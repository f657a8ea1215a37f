// A quote and collateral, each after its size in four bytes (little-endian).
// Nothing here may be good: no root is named but one from the input itself, and
// Intel signed none of it.
#include <cstdlib>

#include "verifier/tdx.h"
#include "verifier/tdx_policy.h"

using namespace attestd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader({reinterpret_cast<const std::byte*>(data), size});
  const auto part = [&reader]() -> Bytes {
    const auto length = reader.le32("size");
    if (!length || *length > reader.remaining()) return {};
    return to_bytes(reader.take(*length, "part").value());
  };
  const Bytes quote = part();
  TdxCollateral collateral;
  for (int i = 0; i < 8 && !reader.empty(); ++i) static_cast<void>(add_tdx_collateral(part(), collateral));
  TrustRoots named;
  // A root that came with the evidence reaches the code behind the trust decision.
  if (!collateral.certificates.empty()) named.named.push_back(collateral.certificates.back());
  constexpr std::int64_t at = 1767225600;  // 2026-01-01
  for (const TrustRoots& roots : {TrustRoots{}, named}) {
    const TdxVerification result = verify_tdx(quote, collateral, roots, at);
    if (result.checks.size() != 6) std::abort();
    if (roots.named.empty() && result.good()) std::abort();
    if (result.good() && !result.simulated) std::abort();
    if (check_tdx_policy(result, {}, {}).size() != 4) std::abort();
  }
  return 0;
}
