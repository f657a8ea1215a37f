// Neither parser may crash, whatever a host answers.
#include "evidence/imds_response.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto certification = attestd::parse_imds_amd_certification(text)) {
    if (!certification->tcbm.empty() && certification->tcbm.size() != 16) std::abort();
  }
  if (const auto quote = attestd::parse_imds_td_quote(text)) {
    if (quote->empty()) std::abort();
  }
  return 0;
}
