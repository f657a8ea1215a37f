// Text for people.
#pragma once

#include <ranges>
#include <string>
#include <string_view>

namespace attestd {

// "a, b, c". `parts`: a range of what std::string_view can be made of.
template <std::ranges::input_range Range>
std::string joined(Range&& parts, std::string_view between = ", ") {
  std::string out;
  bool first = true;
  for (auto&& part : parts) {
    if (!first) out += between;
    first = false;
    out += std::string_view(part);
  }
  return out;
}

}  // namespace attestd
