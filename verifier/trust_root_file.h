// Trust roots as files, or in the text that names them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

// The certificates of a PEM file (one or more), or the one of a DER file; at
// most 1 MiB. Errors: not_found, permission, malformed, each with the path.
Result<std::vector<Bytes>> load_trust_roots(const std::string& path);

// Whether a policy has the certificates themselves in PEM where a file's name could be.
bool is_inline_trust_root(std::string_view text);
// Those. Errors: malformed, truncated.
Result<std::vector<Bytes>> inline_trust_roots(std::string_view pem);

}  // namespace attestd
