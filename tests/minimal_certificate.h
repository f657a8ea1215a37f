// The least that has a validity where a certificate has it. Nobody signed it.
#pragma once

#include <string_view>
#include <vector>

#include "evidence/der.h"

namespace attestd::test {

inline Bytes der_sequence(const std::vector<Bytes>& values) {
  Bytes contents;
  for (const Bytes& value : values) contents.insert(contents.end(), value.begin(), value.end());
  return encode_der(0x30, contents);
}

// `tag`: 0x17 UTCTime, 0x18 GeneralizedTime.
inline Bytes minimal_certificate(std::uint8_t tag, std::string_view not_after, bool with_version = true) {
  std::vector<Bytes> fields;
  if (with_version) fields.push_back(encode_der(0xa0, encode_der(0x02, Bytes{std::byte{2}})));
  fields.push_back(encode_der(0x02, Bytes{std::byte{7}}));
  fields.push_back(der_sequence({}));
  fields.push_back(der_sequence({}));
  fields.push_back(der_sequence({encode_der(0x17, as_bytes("250101000000Z")), encode_der(tag, as_bytes(not_after))}));
  return der_sequence({der_sequence(fields), der_sequence({})});
}

}  // namespace attestd::test
