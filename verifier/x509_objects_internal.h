// Certificates and revocation lists in files, PEM or DER. For .cpp files only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "verifier/verification_cache.h"

namespace attestd::x509 {

inline constexpr std::size_t maximal_object_file_size = std::size_t{2} << 20U;

// Adds what `bytes` hold, one object in DER or any number in PEM, as DER. Errors:
// malformed.
Result<void> add_objects(ByteView bytes, std::vector<Bytes>& certificates, std::vector<Bytes>& crls,
                         VerificationCache* cache = nullptr);

// The paths of *.pem, *.der, *.crt, *.cer, *.crl and of `also` in a folder, sorted.
// Errors: not_found, permission, out_of_range (over 256 of them).
Result<std::vector<std::string>> list_object_files(const std::string& folder,
                                                   std::span<const std::string_view> also = {});

}  // namespace attestd::x509
