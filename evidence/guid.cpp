#include "evidence/guid.h"

#include <algorithm>

#include "base/encoding.h"

namespace attestd {
namespace {

constexpr std::array<std::size_t, 4> dashes_before{4, 6, 8, 10};

FixedBytes<guid_size> swap_groups(FixedBytes<guid_size> bytes) {
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  return bytes;
}

}  // namespace

Guid guid_from_rfc4122(const FixedBytes<guid_size>& bytes) {
  Guid out;
  for (std::size_t i = 0; i < guid_size; ++i) {
    if (std::ranges::find(dashes_before, i) != dashes_before.end()) out += '-';
    out += to_hex(ByteView(bytes).subspan(i, 1));
  }
  return out;
}

Guid guid_from_uefi(const FixedBytes<guid_size>& bytes) { return guid_from_rfc4122(swap_groups(bytes)); }

FixedBytes<guid_size> guid_to_rfc4122(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '-');
  const Bytes bytes = from_hex(digits).value_or(Bytes{});
  FixedBytes<guid_size> out{};
  if (bytes.size() == out.size()) std::ranges::copy(bytes, out.begin());
  return out;
}

FixedBytes<guid_size> guid_to_uefi(std::string_view text) { return swap_groups(guid_to_rfc4122(text)); }

}  // namespace attestd
