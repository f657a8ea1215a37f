#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

#include "base/encoding.h"
#include "kbs/json_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

Result<Bytes> within(Result<Bytes> decoded, const std::string& place, std::size_t limit) {
  if (!decoded) return std::unexpected(std::move(decoded).error().in(place));
  if (decoded->size() > limit) {
    return fail(Errc::out_of_range, place + " is larger than " + std::to_string(limit) + " bytes");
  }
  return decoded;
}

}  // namespace

bool has_value(const JsonMembers& members, std::string_view name) {
  const json::value* const value = members.find(name);
  return value != nullptr && !value->is_null();
}

Result<Bytes> bytes_of_array(const json::value& value, const std::string& place, std::size_t limit) {
  if (!value.is_array()) return fail(Errc::malformed, place + " is not an array");
  const json::array& numbers = value.get_array();
  if (numbers.size() > limit) {
    return fail(Errc::out_of_range, place + " has over " + std::to_string(limit) + " elements");
  }
  Bytes out;
  out.reserve(numbers.size());
  for (const json::value& number : numbers) {
    if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() > 255) {
      return fail(Errc::malformed, place + " has an element that is no byte");
    }
    out.push_back(static_cast<std::byte>(number.get_int64()));
  }
  return out;
}

Result<Bytes> array_member(const JsonMembers& members, std::string_view name, std::size_t low, std::size_t high) {
  ATTESTD_TRY(const json::value* const value, members.member(name));
  ATTESTD_TRY(Bytes out, bytes_of_array(*value, members.place(name), high));
  if (out.size() < low) {
    return fail(Errc::out_of_range, members.place(name) + " has under " + std::to_string(low) + " elements");
  }
  return out;
}

json::array array_of_bytes(ByteView bytes) {
  json::array out;
  out.reserve(bytes.size());
  for (const std::byte byte : bytes) out.emplace_back(std::to_integer<unsigned>(byte));
  return out;
}

Result<Bytes> base64_member(const JsonMembers& members, std::string_view name, std::size_t limit) {
  ATTESTD_TRY(const std::string text, members.string(name));
  return within(from_base64(text), members.place(name), limit);
}

Result<Bytes> base64url_member(const JsonMembers& members, std::string_view name, std::size_t limit) {
  ATTESTD_TRY(const std::string text, members.string(name));
  std::string_view bare = text;
  if (text.size() % 4 == 0 && bare.ends_with('=')) bare.remove_suffix(bare.ends_with("==") ? 2 : 1);
  return within(from_base64url(bare), members.place(name), limit);
}

std::string padded_base64url(ByteView bytes) {
  std::string out = to_base64url(bytes);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

}  // namespace attestd::kbs
