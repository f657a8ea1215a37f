// Until when the certificates that came with evidence are valid: a monitor's early
// warning. The agent believes none of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "evidence/bundle.h"

namespace attestd::agent {

// Unix seconds by what the certificate is of: "vcek", "vlek", "ask", "ark" (the host's
// table), "pck" (leaf of a TD quote's chain), "ak" (the TPM's), "platform" (the one of a
// cloud's metadata service that ends first). What is absent or unreadable is left out.
using CertificateExpiry = std::map<std::string, std::int64_t>;
CertificateExpiry certificate_expiry(const Bundle& bundle);

}  // namespace attestd::agent
