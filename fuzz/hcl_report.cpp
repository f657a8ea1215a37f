// What parses must encode to something that parses to the same, runtime data too.
#include "evidence/hcl_report.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  if (size > 0 && data[0] == '{') {
    const auto alone = attestd::parse_hcl_runtime_data(input);
    if (!alone) return 0;
    const std::string once = attestd::encode_hcl_runtime_data(*alone);
    const auto again = attestd::parse_hcl_runtime_data(attestd::as_bytes(once));
    if (!again || attestd::encode_hcl_runtime_data(*again) != once) std::abort();
    return 0;
  }
  const auto report = attestd::parse_hcl_report(input);
  if (!report) return 0;
  const attestd::Bytes once = attestd::encode_hcl_report(*report);
  const auto again = attestd::parse_hcl_report(once);
  if (!again || attestd::encode_hcl_report(*again) != once) std::abort();
  if (again->expected_report_data() != report->expected_report_data()) std::abort();
  if (const auto runtime = attestd::parse_hcl_runtime_data(report->runtime_data)) (void)runtime->attestation_key();
  return 0;
}
