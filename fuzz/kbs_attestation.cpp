// An Attestation of each version, what it binds, and canonical JSON. What parses must
// encode to something that parses to the same and binds the same.
#include <cstdlib>

#include "kbs/runtime_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using kbs::ProtocolVersion;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto canonical = kbs::canonical_json(text)) must(kbs::canonical_json(*canonical) == *canonical);
  for (const ProtocolVersion version :
       {ProtocolVersion::v0_1_1, ProtocolVersion::v0_2_0, ProtocolVersion::v0_3_0, ProtocolVersion::v0_4_0}) {
    const auto attestation = kbs::parse_attestation(text, version);
    if (!attestation) continue;
    const std::string once = kbs::encode_attestation(*attestation, version);
    const auto again = kbs::parse_attestation(once, version);
    must(again && kbs::encode_attestation(*again, version) == once);
    const auto nonce = attestation->nonce.value_or(FixedBytes<kbs::nonce_size>());
    const std::string bound = kbs::encode_runtime_data(version, nonce, *attestation);
    must(kbs::canonical_json(bound) == bound);
    must(kbs::encode_runtime_data(version, nonce, *again) == bound);
  }
  return 0;
}
