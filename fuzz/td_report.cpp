// Whatever parses encodes to the same fields.
#include "evidence/td_report.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto report = attestd::parse_td_report(input);
  if (!report) return 0;
  // Only reserved bytes may be lost.
  const attestd::Bytes encoded = attestd::encode_td_report(*report);
  const auto again = attestd::parse_td_report(encoded);
  if (!again || attestd::encode_td_report(*again) != encoded) std::abort();
  (void)attestd::check_td_report_digests(input);
  return 0;
}
