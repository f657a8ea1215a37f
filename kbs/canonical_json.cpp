// RFC 8785, JSON Canonicalization Scheme.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <string>
#include <vector>

#include "kbs/json_internal.h"
#include "kbs/runtime_data.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

// The largest n for which n and n + 1 are numbers of their own in IEEE 754 doubles,
// which is what ECMAScript, and so the RFC, knows numbers as.
constexpr std::int64_t safe_integer = (std::int64_t{1} << 53U) - 1;

// Section 3.2.2.2: two-character escapes where JSON has them, \u00xx in lower case for
// other controls, everything else as it is.
void put_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t at = escaped.find(c); at != std::string_view::npos) {
      out += {'\\', letters[at]};
    } else if (byte < 0x20) {
      out += "\\u00";
      out += {digits[byte >> 4U], digits[byte & 0xfU]};
    } else {
      out += c;
    }
  }
  out += '"';
}

// Of valid UTF-8.
std::u16string utf16(std::string_view text) {
  std::u16string out;
  std::uint32_t point = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      point = byte;
    } else if (byte < 0xc0) {
      point = point << 6U | (byte & 0x3fU);
    } else {
      point = byte & (byte < 0xe0 ? 0x1fU : byte < 0xf0 ? 0x0fU : 0x07U);
    }
    const bool more = at + 1 < text.size() && (static_cast<unsigned char>(text[at + 1]) & 0xc0U) == 0x80U;
    if (more) continue;
    if (point < 0x10000) {
      out += static_cast<char16_t>(point);
    } else {
      out += static_cast<char16_t>(0xd800U + ((point - 0x10000U) >> 10U));
      out += static_cast<char16_t>(0xdc00U + ((point - 0x10000U) & 0x3ffU));
    }
  }
  return out;
}

Result<void> put(std::string& out, const json::value& value);

// Section 3.2.3: members by the UTF-16 code units of their names.
Result<void> put_object(std::string& out, const json::object& object) {
  std::vector<std::pair<std::u16string, const json::key_value_pair*>> members;
  members.reserve(object.size());
  for (const json::key_value_pair& member : object) members.emplace_back(utf16(member.key()), &member);
  std::ranges::sort(members, {}, [](const auto& member) -> const std::u16string& { return member.first; });
  out += '{';
  for (const auto& [name, member] : members) {
    if (out.back() != '{') out += ',';
    put_string(out, member->key());
    out += ':';
    ATTESTD_CHECK(put(out, member->value()));
  }
  out += '}';
  return {};
}

Result<void> put_array(std::string& out, const json::array& array) {
  out += '[';
  for (const json::value& element : array) {
    if (&element != array.data()) out += ',';
    ATTESTD_CHECK(put(out, element));
  }
  out += ']';
  return {};
}

Result<void> put(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out += "null"; return {};
    case json::kind::bool_: out += value.get_bool() ? "true" : "false"; return {};
    case json::kind::string: put_string(out, value.get_string()); return {};
    case json::kind::object: return put_object(out, value.get_object());
    case json::kind::array: return put_array(out, value.get_array());
    case json::kind::int64:
      if (value.get_int64() < -safe_integer || value.get_int64() > safe_integer) break;
      out += std::to_string(value.get_int64());
      return {};
    default: break;
  }
  return fail(Errc::out_of_range, "the JSON has a number that is no integer, or too large for a canonical form");
}

}  // namespace

Result<std::string> canonical_json(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_json(text));
  std::string out;
  ATTESTD_CHECK(put(out, document));
  return out;
}

std::string canonical_string(std::string_view text) {
  std::string out;
  put_string(out, text);
  return out;
}

}  // namespace attestd::kbs
