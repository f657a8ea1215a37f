// Numbers in hexadecimal, for people.
#pragma once

#include <concepts>
#include <string>

namespace attestd {

// "0x" and two digits a byte of its type, the most significant first: "0x001a" for a
// std::uint16_t of 26.
template <std::unsigned_integral Number>
std::string hex_number(Number value) {
  std::string out(2 + 2 * sizeof(Number), '0');
  out[1] = 'x';
  for (std::size_t at = out.size(); value != 0; value = static_cast<Number>(value / 16)) {
    out[--at] = "0123456789abcdef"[value % 16];
  }
  return out;
}

}  // namespace attestd
