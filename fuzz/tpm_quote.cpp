#include <cstdlib>
#include <span>

#include "evidence/tpm_attest.h"
#include "evidence/tpm_json.h"

// A quote or a signature; neither can be taken for the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto quote = attestd::parse_tpm_quote(bytes);
  const auto signature = attestd::parse_tpm_signature(bytes);
  if (quote && signature) std::abort();
  if (!quote) return 0;
  for (const attestd::PcrSelection& selection : quote->selection) {
    if (!selection.indices.empty() && selection.indices.back() > 23) std::abort();
  }
  if (attestd::tpm_quote_to_json(*quote).empty()) std::abort();
  return 0;
}
