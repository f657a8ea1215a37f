// DER values one by one, and certificates that follow each other without
// anything between them.
// Source: ITU-T X.690 sections 8.1.3 (length), 10.1 (definite, shortest form).
#pragma once

#include <vector>

#include "base/bytes.h"

namespace attestd {

struct DerValue {
  std::uint8_t tag = 0;  // of one octet; constructed values have bit 0x20
  ByteView contents;
};
// The next value. Errors: truncated, malformed (not DER's shortest form, a tag of
// several octets).
Result<DerValue> read_der(Reader& reader);
Bytes encode_der(std::uint8_t tag, ByteView contents);

// Cuts the bytes into SEQUENCEs, each with its tag and length; what is in them is
// not looked at. Errors: malformed (no SEQUENCE, or not in DER's shortest form),
// truncated, out_of_range (over `limit` of them).
Result<std::vector<Bytes>> split_der_sequences(ByteView bytes, std::size_t limit);

}  // namespace attestd
