#include <cstdlib>
#include <span>

#include "evidence/svsm_manifest.h"

// What was read encodes to what reads the same; an endorsement key has a name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto services = attestd::parse_svsm_services(bytes)) {
    const auto again = attestd::parse_svsm_services(attestd::encode_svsm_services(*services));
    if (!again || again->size() != services->size()) std::abort();
    for (std::size_t i = 0; i < again->size(); ++i) {
      if ((*again)[i].guid != (*services)[i].guid || (*again)[i].manifest != (*services)[i].manifest) std::abort();
    }
  }
  if (const auto key = attestd::svsm_endorsement_key(bytes); key && key->name.empty()) std::abort();
  return 0;
}
