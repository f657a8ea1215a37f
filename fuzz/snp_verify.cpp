// A report followed by the host's certificate table, as evidence brings them.
// Nothing here may be good: no root is named, and AMD signed none of it.
#include <algorithm>
#include <cstdlib>

#include "verifier/snp.h"
#include "verifier/snp_extensions_internal.h"
#include "verifier/x509_internal.h"

using namespace attestd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const std::size_t report_size = std::min(size, snp_report_size);
  const ByteView table = input.subspan(report_size);

  SnpEndorsements endorsements;
  if (!add_snp_certificate_table(table, endorsements)) endorsements.certificates.push_back(to_bytes(table));
  for (const Bytes& der : endorsements.certificates) {
    if (const auto certificate = x509::parse_certificate(der))
      static_cast<void>(parse_snp_extensions(certificate->get()));
  }
  constexpr std::int64_t at = 1767225600;  // 2026-01-01
  TrustRoots named;
  if (!endorsements.certificates.empty()) named.named.push_back(endorsements.certificates.back());
  // A root that came with the evidence reaches the code behind the trust decision.
  for (const TrustRoots& roots : {TrustRoots{}, named}) {
    const SnpVerification result = verify_snp(input.first(report_size), endorsements, roots, at);
    if (result.checks.size() != 4) std::abort();
    if (roots.named.empty() && result.good()) std::abort();
    if (result.good() && !result.simulated) std::abort();
  }
  return 0;
}
