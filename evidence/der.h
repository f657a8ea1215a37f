// DER certificates that follow each other without anything between them.
// Source: ITU-T X.690 sections 8.1.3 (length), 10.1 (definite, shortest form).
#pragma once

#include <vector>

#include "base/bytes.h"

namespace attestd {

// Cuts the bytes into SEQUENCEs, each with its tag and length; what is in them is
// not looked at. Errors: malformed (no SEQUENCE, or not in DER's shortest form),
// truncated, out_of_range (over `limit` of them).
Result<std::vector<Bytes>> split_der_sequences(ByteView bytes, std::size_t limit);

}  // namespace attestd
