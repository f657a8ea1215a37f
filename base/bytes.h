// Byte strings and a cursor that cannot read past their end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace attestd {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
template <std::size_t N>
using FixedBytes = std::array<std::byte, N>;

inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

// True when equal, in time that depends on the lengths only.
bool constant_time_equal(ByteView a, ByteView b);
bool all_zero(ByteView bytes);

// Reads a byte string from front to back. Every read names what it reads, so
// that the error for input that ends early says which field was missing.
class Reader {
 public:
  // `base` is added to the offsets in errors: where `bytes` starts in the file.
  explicit Reader(ByteView bytes, std::size_t base = 0) : bytes_(bytes), base_(base) {}

  [[nodiscard]] std::size_t offset() const { return base_ + position_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }
  [[nodiscard]] bool empty() const { return remaining() == 0; }
  [[nodiscard]] ByteView rest() const { return bytes_.subspan(position_); }

  Result<ByteView> take(std::size_t count, std::string_view what);
  Result<void> skip(std::size_t count, std::string_view what);
  template <std::size_t N>
  Result<FixedBytes<N>> fixed(std::string_view what) {
    ATTESTD_TRY(const ByteView view, take(N, what));
    FixedBytes<N> out;
    std::copy(view.begin(), view.end(), out.begin());
    return out;
  }

  Result<std::uint8_t> u8(std::string_view what);
  Result<std::uint16_t> le16(std::string_view what);
  Result<std::uint32_t> le32(std::string_view what);
  Result<std::uint64_t> le64(std::string_view what);
  Result<std::uint16_t> be16(std::string_view what);
  Result<std::uint32_t> be32(std::string_view what);
  Result<std::uint64_t> be64(std::string_view what);

 private:
  ByteView bytes_;
  std::size_t position_ = 0;
  std::size_t base_ = 0;
};

// Appends to a byte string.
class Writer {
 public:
  Writer& raw(ByteView bytes);
  Writer& zeros(std::size_t count);
  Writer& u8(std::uint8_t value);
  Writer& le16(std::uint16_t value);
  Writer& le32(std::uint32_t value);
  Writer& le64(std::uint64_t value);
  Writer& be16(std::uint16_t value);
  Writer& be32(std::uint32_t value);
  Writer& be64(std::uint64_t value);
  [[nodiscard]] const Bytes& bytes() const { return out_; }
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace attestd
