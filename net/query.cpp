#include "net/query.h"

#include <algorithm>
#include <charconv>

namespace attestd {
namespace {

Result<std::string> decoded(std::string_view text) {
  constexpr int hexadecimal = 16;
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    std::size_t size = 1;
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      unsigned char byte = 0;
      size = 3;
      if (text.size() < size) return fail(Errc::malformed, "a query ends within a percent-encoded byte");
      const auto [end, error] = std::from_chars(text.data() + 1, text.data() + size, byte, hexadecimal);
      if (error != std::errc() || end != text.data() + size) {
        return fail(Errc::malformed, "a query has a % without two hexadecimal digits");
      }
      c = static_cast<char>(byte);
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return fail(Errc::malformed, "a query has a control character");
    }
    out += c;
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> parse_query(std::string_view query) {
  std::map<std::string, std::string, std::less<>> out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    ATTESTD_TRY(std::string name, decoded(pair.substr(0, equals)));
    ATTESTD_TRY(std::string value, decoded(pair.substr(std::min(equals + 1, pair.size()))));
    if (name.empty()) return fail(Errc::malformed, "a query has a value without a name");
    if (out.size() == query_parameter_limit) return fail(Errc::out_of_range, "a query has too many parameters");
    if (!out.emplace(std::move(name), std::move(value)).second) {
      return fail(Errc::malformed, "a query has a parameter twice");
    }
  }
  return out;
}

std::string encode_query_value(std::string_view value) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : value) {
    if (plain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    ((out += '%') += digits[byte >> 4U]) += digits[byte & 0xfU];
  }
  return out;
}

}  // namespace attestd
