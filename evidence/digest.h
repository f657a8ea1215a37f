// Hash algorithms under their TCG names, and digests by them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

// TCG Algorithm Registry 1.34, table 3 (TPM_ALG_ID).
enum class HashAlgorithm : std::uint16_t {
  sha1 = 0x0004,
  sha256 = 0x000b,
  sha384 = 0x000c,
  sha512 = 0x000d,
  sm3_256 = 0x0012,
};

// "sha256"; these are the names in JSON, policies and file formats.
std::string_view hash_name(HashAlgorithm algorithm);
std::optional<HashAlgorithm> hash_from_name(std::string_view name);
std::optional<HashAlgorithm> hash_from_id(std::uint16_t tpm_alg_id);
// In bytes: 20, 32, 48, 64, 32.
std::size_t hash_size(HashAlgorithm algorithm);

// The digest of the concatenation of `parts`. Throws std::runtime_error when
// OpenSSL has no such algorithm (SM3 may be left out of a build: ask first).
Bytes digest(HashAlgorithm algorithm, std::initializer_list<ByteView> parts);
bool hash_available(HashAlgorithm algorithm);

}  // namespace attestd
