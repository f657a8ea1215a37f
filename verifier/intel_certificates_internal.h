// Certificates of Intel's that the service sends in response headers, so that
// collateral which was kept without them can still be judged. Each must chain to a
// trusted root and be valid like any other. For .cpp files only.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace attestd {

// DER: "Intel SGX TCB Signing" as issued in 2018 and, over the same key, in 2025.
const std::vector<Bytes>& intel_tcb_signing_certificates();

}  // namespace attestd
