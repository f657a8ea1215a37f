#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <charconv>

#include "base/encoding.h"
#include "luks/json_fields_internal.h"

namespace attestd::luks {
namespace json = boost::json;
namespace {

constexpr std::size_t name_limit = 64;
constexpr std::size_t binary_limit = 64;  // bytes; salts have 32, digests as many as their hash

bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// No deeper than parse_json() lets in.
bool zero_within(const json::value& value) {  // NOLINT(misc-no-recursion)
  if (value.is_string()) return has_zero({value.get_string().data(), value.get_string().size()});
  if (value.is_array()) return std::ranges::any_of(value.get_array(), zero_within);
  if (!value.is_object()) return false;
  return std::ranges::any_of(value.get_object(), [](const json::key_value_pair& member) {
    return has_zero({member.key().data(), member.key().size()}) || zero_within(member.value());
  });
}

}  // namespace

Result<json::value> parse_text(std::string_view text) {
  ATTESTD_TRY(json::value value, parse_json(text));
  if (zero_within(value)) return fail(Errc::malformed, "the JSON has a name or a string with a zero byte in it");
  return value;
}

Result<JsonMembers> object_of(const json::value& value, const std::string& place,
                              std::initializer_list<std::string_view> known) {
  ATTESTD_TRY(JsonMembers members, JsonMembers::of(value, place));
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::ranges::find(known, name) == known.end()) {
      return fail(Errc::malformed,
                  place + " has a member '" + std::string(name) + "', which LUKS2 does not have there");
    }
  }
  return members;
}

Result<std::uint64_t> decimal(std::string_view text, const std::string& place) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (text.size() > 1 && text.front() == '0')) {
    return fail(Errc::malformed, place + " is not a decimal number");
  }
  std::uint64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc()) {
    return fail(Errc::out_of_range, place + " is larger than 64 bits hold");
  }
  return out;
}

Result<unsigned> object_id(std::string_view text, const std::string& place) {
  ATTESTD_TRY(const std::uint64_t id, decimal(text, place));
  if (id >= objects_limit) return fail(Errc::out_of_range, place + " is not below 32");
  return static_cast<unsigned>(id);
}

Result<std::vector<unsigned>> references(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::vector<std::string> texts, members.strings(name, objects_limit));
  std::vector<unsigned> out;
  for (const std::string& text : texts) {
    ATTESTD_TRY(const unsigned id, object_id(text, "a reference in " + members.place(name)));
    if (std::ranges::find(out, id) != out.end()) {
      return fail(Errc::malformed, members.place(name) + " names " + text + " twice");
    }
    out.push_back(id);
  }
  return out;
}

Result<std::uint64_t> long_number(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::string text, members.string(name));
  return decimal(text, members.place(name));
}

Result<std::uint32_t> number(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::uint64_t value, members.unsigned_integer(name, UINT32_MAX));
  return static_cast<std::uint32_t>(value);
}

Result<std::string> name_of(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(std::string text, members.string(name));
  const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (text.empty() || text.size() > name_limit || !printable) {
    return fail(Errc::malformed, members.place(name) + " is not a name of 1 to 64 printable characters");
  }
  return text;
}

Result<Bytes> binary(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::string text, members.string(name));
  auto decoded = from_base64(text);
  if (!decoded) return std::unexpected(std::move(decoded).error().in(members.place(name)));
  if (decoded->size() > binary_limit) return fail(Errc::out_of_range, members.place(name) + " has over 64 bytes");
  return decoded;
}

}  // namespace attestd::luks
