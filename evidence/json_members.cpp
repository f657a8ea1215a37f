#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

#include "base/encoding.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace json = boost::json;

Result<JsonMembers> JsonMembers::of(const json::value& value, std::string place) {
  if (!value.is_object()) return fail(Errc::malformed, place + " is not a JSON object");
  return JsonMembers(value.get_object(), std::move(place));
}

std::unexpected<Error> JsonMembers::wrong(std::string_view name, std::string_view expected) const {
  return fail(Errc::malformed, place(name) + " is not " + std::string(expected));
}

Result<const json::value*> JsonMembers::member(std::string_view name) const {
  const json::value* const value = find(name);
  if (value == nullptr) return fail(Errc::not_found, place(name) + " is missing");
  return value;
}

Result<std::string> JsonMembers::string(std::string_view name) const {
  ATTESTD_TRY(const json::value* const value, member(name));
  if (!value->is_string()) return wrong(name, "a string");
  return std::string(value->get_string().data(), value->get_string().size());
}

Result<std::string> JsonMembers::optional_string(std::string_view name) const {
  if (find(name) == nullptr) return std::string();
  return string(name);
}

Result<bool> JsonMembers::boolean(std::string_view name) const {
  ATTESTD_TRY(const json::value* const value, member(name));
  if (!value->is_bool()) return wrong(name, "true or false");
  return value->get_bool();
}

Result<std::int64_t> JsonMembers::signed_integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  ATTESTD_TRY(const json::value* const value, member(name));
  if (!value->is_int64()) return wrong(name, "a whole number");
  const std::int64_t number = value->get_int64();
  if (number < low || number > high) return fail(Errc::out_of_range, place(name) + " is out of range");
  return number;
}

// Boost.JSON stores what fits in int64_t as such, and only larger numbers as uint64_t.
Result<std::uint64_t> JsonMembers::unsigned_integer(std::string_view name, std::uint64_t high) const {
  ATTESTD_TRY(const json::value* const value, member(name));
  if (!value->is_uint64() && !(value->is_int64() && value->get_int64() >= 0)) {
    return wrong(name, "a whole number of zero or more");
  }
  const std::uint64_t number =
      value->is_uint64() ? value->get_uint64() : static_cast<std::uint64_t>(value->get_int64());
  if (number > high) return fail(Errc::out_of_range, place(name) + " is out of range");
  return number;
}

Result<Bytes> JsonMembers::bytes(std::string_view name, std::size_t low, std::size_t high) const {
  ATTESTD_TRY(const std::string text, string(name));
  auto decoded = from_base64url(text);
  if (!decoded) return std::unexpected(std::move(decoded).error().in(place(name)));
  if (decoded->size() < low || decoded->size() > high) {
    const std::string range = low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
    return fail(Errc::out_of_range,
                place(name) + " has " + std::to_string(decoded->size()) + " bytes, it must have " + range);
  }
  return decoded;
}

Result<const json::array*> JsonMembers::array(std::string_view name, std::size_t limit) const {
  ATTESTD_TRY(const json::value* const value, member(name));
  if (!value->is_array()) return wrong(name, "an array");
  if (value->get_array().size() > limit) {
    return fail(Errc::out_of_range, place(name) + " has over " + std::to_string(limit) + " elements");
  }
  return &value->get_array();
}

Result<std::vector<std::string>> JsonMembers::strings(std::string_view name, std::size_t limit) const {
  ATTESTD_TRY(const json::array* const elements, array(name, limit));
  std::vector<std::string> out;
  out.reserve(elements->size());
  for (const json::value& element : *elements) {
    if (!element.is_string()) return wrong(name, "an array of strings");
    out.emplace_back(element.get_string().data(), element.get_string().size());
  }
  return out;
}

}  // namespace attestd
