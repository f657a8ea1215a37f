#include <cstdlib>
#include <span>

#include "evidence/tpm_attest.h"

// What parses must write a file that parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto values = attestd::parse_tpm2_tools_pcrs(bytes);
  if (!values) return 0;
  std::vector<attestd::PcrSelection> selection;
  for (const auto& [bank, registers] : *values) {
    attestd::PcrSelection selected{bank, {}};
    for (const auto& [index, value] : registers) selected.indices.push_back(index);
    selection.push_back(std::move(selected));
  }
  const auto again = attestd::encode_tpm2_tools_pcrs(selection, *values);
  if (!again || attestd::parse_tpm2_tools_pcrs(*again) != *values) std::abort();
  return 0;
}
