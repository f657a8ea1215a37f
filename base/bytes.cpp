#include "base/bytes.h"

#include <algorithm>
#include <string>

namespace attestd {
namespace {

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8) | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::byte b : bytes) value = (value << 8) | std::to_integer<std::uint64_t>(b);
  return value;
}

template <class T>
Result<T> read_le(Reader& reader, std::string_view what) {
  ATTESTD_TRY(const ByteView bytes, reader.take(sizeof(T), what));
  return static_cast<T>(little_endian(bytes));
}

template <class T>
Result<T> read_be(Reader& reader, std::string_view what) {
  ATTESTD_TRY(const ByteView bytes, reader.take(sizeof(T), what));
  return static_cast<T>(big_endian(bytes));
}

void append_le(Bytes& out, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

void append_be(Bytes& out, std::uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

}  // namespace

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= std::to_integer<unsigned>(a[i] ^ b[i]);
  // The barrier keeps the compiler from leaving the loop early.
  asm volatile("" : "+r"(difference));
  return difference == 0;
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

Result<ByteView> Reader::take(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    return fail_at(
        Errc::truncated, offset(),
        std::string(what) + " needs " + std::to_string(count) + " bytes, " + std::to_string(remaining()) + " are left");
  }
  const ByteView view = bytes_.subspan(position_, count);
  position_ += count;
  return view;
}

Result<void> Reader::skip(std::size_t count, std::string_view what) {
  ATTESTD_CHECK(take(count, what));
  return {};
}

Result<std::uint8_t> Reader::u8(std::string_view what) { return read_le<std::uint8_t>(*this, what); }
Result<std::uint16_t> Reader::le16(std::string_view what) { return read_le<std::uint16_t>(*this, what); }
Result<std::uint32_t> Reader::le32(std::string_view what) { return read_le<std::uint32_t>(*this, what); }
Result<std::uint64_t> Reader::le64(std::string_view what) { return read_le<std::uint64_t>(*this, what); }
Result<std::uint16_t> Reader::be16(std::string_view what) { return read_be<std::uint16_t>(*this, what); }
Result<std::uint32_t> Reader::be32(std::string_view what) { return read_be<std::uint32_t>(*this, what); }
Result<std::uint64_t> Reader::be64(std::string_view what) { return read_be<std::uint64_t>(*this, what); }

Writer& Writer::raw(ByteView bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}
Writer& Writer::zeros(std::size_t count) {
  out_.insert(out_.end(), count, std::byte{0});
  return *this;
}
Writer& Writer::u8(std::uint8_t value) { return append_le(out_, value, 1), *this; }
Writer& Writer::le16(std::uint16_t value) { return append_le(out_, value, 2), *this; }
Writer& Writer::le32(std::uint32_t value) { return append_le(out_, value, 4), *this; }
Writer& Writer::le64(std::uint64_t value) { return append_le(out_, value, 8), *this; }
Writer& Writer::be16(std::uint16_t value) { return append_be(out_, value, 2), *this; }
Writer& Writer::be32(std::uint32_t value) { return append_be(out_, value, 4), *this; }
Writer& Writer::be64(std::uint64_t value) { return append_be(out_, value, 8), *this; }

}  // namespace attestd
