#include "evidence/der.h"

#include <string>

namespace attestd {
namespace {

constexpr std::uint8_t sequence_tag = 0x30;
constexpr std::uint8_t long_form = 0x80;
constexpr std::size_t most_length_octets = 4;

Result<std::size_t> read_length(Reader& reader) {
  ATTESTD_TRY(const std::uint8_t first, reader.u8("DER length"));
  if (first < long_form) return first;
  const std::size_t octets = first - long_form;
  if (octets == 0 || octets > most_length_octets) return fail(Errc::malformed, "a length is not DER's");
  std::size_t length = 0;
  for (std::size_t i = 0; i < octets; ++i) {
    ATTESTD_TRY(const std::uint8_t octet, reader.u8("DER length"));
    if (i == 0 && octet == 0) return fail(Errc::malformed, "a length is not DER's shortest");
    length = length << 8U | octet;
  }
  if (length < long_form) return fail(Errc::malformed, "a length is not DER's shortest");
  return length;
}

}  // namespace

Result<DerValue> read_der(Reader& reader) {
  constexpr std::uint8_t several_octets = 0x1f;
  ATTESTD_TRY(const std::uint8_t tag, reader.u8("DER tag"));
  if ((tag & several_octets) == several_octets) return fail(Errc::malformed, "a DER tag has several octets");
  ATTESTD_TRY(const std::size_t length, read_length(reader));
  ATTESTD_TRY(const ByteView contents, reader.take(length, "DER value"));
  return DerValue{tag, contents};
}

Result<std::vector<Bytes>> split_der_sequences(ByteView bytes, std::size_t limit) {
  std::vector<Bytes> out;
  Reader reader(bytes);
  while (!reader.empty()) {
    if (out.size() == limit) return fail(Errc::out_of_range, "over " + std::to_string(limit) + " DER values");
    const std::size_t start = reader.offset();
    ATTESTD_TRY(const std::uint8_t tag, reader.u8("DER tag"));
    if (tag != sequence_tag) {
      return fail(Errc::malformed, "no DER SEQUENCE at offset " + std::to_string(start));
    }
    ATTESTD_TRY(const std::size_t length, read_length(reader));
    ATTESTD_CHECK(reader.skip(length, "DER value"));
    out.push_back(to_bytes(bytes.subspan(start, reader.offset() - start)));
  }
  return out;
}

Bytes encode_der(std::uint8_t tag, ByteView contents) {
  Writer out;
  out.u8(tag);
  if (contents.size() < long_form) {
    out.u8(static_cast<std::uint8_t>(contents.size()));
  } else {
    Bytes octets;
    for (std::size_t rest = contents.size(); rest != 0; rest >>= 8U) {
      octets.insert(octets.begin(), static_cast<std::byte>(rest & 0xffU));
    }
    out.u8(static_cast<std::uint8_t>(long_form | octets.size())).raw(octets);
  }
  return out.raw(contents).take();
}

}  // namespace attestd
