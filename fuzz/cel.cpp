// Whatever parses as TLV parses again from what it encodes to.
#include "evidence/cel.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto log = attestd::parse_cel(input);
  if (!log) return 0;
  for (const attestd::CelRecord& record : *log) {
    if (!record.content_json.empty() || !record.record_number || record.content_name.empty()) return 0;
  }
  const attestd::Bytes encoded = attestd::encode_cel_tlv(*log);
  const auto again = attestd::parse_cel(encoded);
  if (!again || again->size() != log->size()) std::abort();
  return 0;
}
