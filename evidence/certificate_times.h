// Until when a certificate is valid, for those who report it; nothing else of it is
// looked at. Whoever judges a certificate uses verifier/.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace attestd {

// notAfter of an X.509 certificate in DER, in Unix seconds.
// Source: RFC 5280 sections 4.1 and 4.1.2.5 (UTCTime until 2049, else GeneralizedTime).
// Errors: truncated, malformed.
Result<std::int64_t> certificate_not_after(ByteView der);

}  // namespace attestd
