// Random bytes of the kernel's generator.
#pragma once

#include "base/bytes.h"

namespace attestd {

// Waits for the generator to be seeded, early in a boot. `size`: at most 256 bytes, which
// getrandom(2) gives at once or not at all. Errors: out_of_range, io.
Result<Bytes> random_bytes(std::size_t size);
// The same, of any size, into memory that is there.
Result<void> fill_random(std::span<std::byte> bytes);

}  // namespace attestd
