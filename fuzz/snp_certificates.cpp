// A table never yields more bytes than it has, and survives our own encoder.
#include "evidence/snp_certificates.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto table = attestd::parse_snp_certificate_table(input);
  if (!table) return 0;
  std::size_t total = 0;
  for (const auto& entry : *table) total += entry.data.size();
  if (total > size) std::abort();
  const auto again = attestd::parse_snp_certificate_table(attestd::encode_snp_certificate_table(*table));
  if (!again || again->size() != table->size()) std::abort();
  for (std::size_t i = 0; i < table->size(); ++i) {
    if ((*again)[i].data != (*table)[i].data) std::abort();
  }
  return 0;
}
