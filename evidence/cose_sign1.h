// COSE_Sign1, a payload with one signature: RFC 9052 section 4.2.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace attestd {

// RFC 9053 section 2.1, table 1: ECDSA with SHA-384.
inline constexpr std::int64_t cose_es384 = -35;

struct CoseSign1 {
  Bytes protected_header;      // as it was encoded: the signature covers these bytes
  std::int64_t algorithm = 0;  // of the protected header; "alg", label 1
  Bytes payload;
  Bytes signature;  // ECDSA: r || s, each as long as the curve's order

  // The Sig_structure, which is what was signed (section 4.4). There is no
  // external additional authenticated data.
  [[nodiscard]] Bytes to_be_signed() const;
};

// With or without its tag, 18. Errors: those of CBOR; malformed (no algorithm
// in the protected header, a detached payload), unsupported (critical headers).
Result<CoseSign1> parse_cose_sign1(ByteView bytes);
// The protected header {1: algorithm}, as CborWriter gives it.
Bytes cose_protected_header(std::int64_t algorithm);
// Untagged, with an empty unprotected header.
Bytes encode_cose_sign1(const CoseSign1& message);

}  // namespace attestd
