// Sized fields of TPM structures, with limits. For .cpp files only.
// Source: TCG "Trusted Platform Module Library", part 2, version 1.59.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace attestd::tpm_wire {

inline constexpr std::size_t max_digest_size = 64;
inline constexpr std::size_t max_rsa_size = 512;  // 4096 bits
inline constexpr std::size_t max_ecc_size = 66;   // P-521

// A TPM2B: two bytes of size, big-endian, and so many bytes. Errors: truncated,
// out_of_range (over `limit`).
Result<Bytes> sized(Reader& reader, std::size_t limit, std::string_view what);

}  // namespace attestd::tpm_wire
