// The SGX extension of PCK certificates: what parses encodes to what parses alike.
#include <cstdlib>

#include "evidence/pck_extensions.h"

using namespace attestd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_pck_extensions({reinterpret_cast<const std::byte*>(data), size});
  if (!parsed) return 0;
  const auto again = parse_pck_extensions(encode_pck_extensions(*parsed));
  if (!again || again->fmspc != parsed->fmspc || again->sgx_components != parsed->sgx_components ||
      again->pcesvn != parsed->pcesvn || again->smt_enabled != parsed->smt_enabled) {
    std::abort();
  }
  return 0;
}
