// Whatever parses encodes to the same bytes: nothing in a quote goes unread.
#include "evidence/td_quote.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto quote = attestd::parse_td_quote(input);
  if (!quote) return 0;
  const attestd::Bytes encoded = attestd::encode_td_quote(*quote);
  if (!std::equal(encoded.begin(), encoded.end(), input.begin(), input.end())) std::abort();
  const auto qe_report = attestd::parse_sgx_report_body(quote->qe_report);
  if (!qe_report) std::abort();
  return 0;
}
