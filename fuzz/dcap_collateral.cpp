// Documents of Intel's service: what is signed is a part of the input, and both
// bodies parse or do not.
#include <cstdlib>

#include "evidence/dcap_collateral.h"

using namespace attestd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto document = parse_signed_dcap_json(input);
  if (document) {
    const std::string_view body = document->body;
    if (body.empty() || body.data() < input.data() || body.data() + body.size() > input.data() + size) std::abort();
  }
  const std::string_view body = document ? document->body : input;
  if (const auto info = parse_tdx_tcb_info(body)) {
    for (const TcbLevel& level : info->levels) {
      if (tcb_status_name(level.verdict.status).empty()) std::abort();
    }
  }
  static_cast<void>(parse_tdx_qe_identity(body));
  return 0;
}
