// Trust roots as files.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd {

// The certificates of a PEM file (one or more), or the one of a DER file; at
// most 1 MiB. Errors: not_found, permission, malformed, each with the path.
Result<std::vector<Bytes>> load_trust_roots(const std::string& path);

}  // namespace attestd
