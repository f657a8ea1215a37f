#include "broker/http_headers.h"

#include <algorithm>

#include "base/text.h"

namespace attestd::broker {

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    const std::string_view pair = trimmed(header.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
        value = value.substr(1, value.size() - 2);
      return value;
    }
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  return {};
}

std::string_view bearer_token(std::string_view header) {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size() || !equal_in_either_case(header.substr(0, scheme.size()), scheme)) return {};
  return trimmed(header.substr(scheme.size()));
}

}  // namespace attestd::broker
