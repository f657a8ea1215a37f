// Whatever parses encodes to the same bytes: nothing in a report goes unread.
#include "evidence/snp_report.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto report = attestd::parse_snp_report(input);
  if (!report) return 0;
  const attestd::Bytes encoded = attestd::encode_snp_report(*report);
  if (!std::equal(encoded.begin(), encoded.end(), input.begin(), input.end())) std::abort();
  return 0;
}
