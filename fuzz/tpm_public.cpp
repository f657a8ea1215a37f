#include <cstdlib>
#include <span>

#include "evidence/tpm_attest.h"
#include "evidence/tpm_json.h"

// The name of a key is over its TPMT_PUBLIC, with or without a size before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto key = attestd::parse_tpm_public(bytes);
  if (!key) return 0;
  const auto hash = [&](attestd::ByteView area) { return attestd::digest(key->name_algorithm, {area}); };
  const attestd::Bytes name(key->name.begin() + 2, key->name.end());
  if (name != hash(bytes) && name != hash(bytes.subspan(2))) std::abort();
  if (attestd::tpm_public_to_json(*key).empty()) std::abort();
  return 0;
}
