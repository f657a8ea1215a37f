// A host key's file; a key that comes out is a line that goes in again.
#include "evidence/openssh_private_key.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const auto key = openssh_public_part({reinterpret_cast<const char*>(data), size});
  if (!key) return 0;
  const auto again = parse_ssh_public_key(key->line());
  if (!again || !(*again == *key)) std::abort();
  return 0;
}
