// Boost.JSON behind evidence/json_strict.h, for .cpp files that take JSON apart.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

Result<boost::json::value> parse_json(std::string_view json);

// Members of one object, with the place in errors: "statement.peer". Each
// getter refuses a member of the wrong type; `optional_*` allow its absence.
class JsonMembers {
 public:
  // Error: malformed when `value` is not an object.
  static Result<JsonMembers> of(const boost::json::value& value, std::string place);

  [[nodiscard]] const boost::json::value* find(std::string_view name) const { return object_->if_contains(name); }
  [[nodiscard]] Result<const boost::json::value*> member(std::string_view name) const;
  [[nodiscard]] Result<std::string> string(std::string_view name) const;
  [[nodiscard]] Result<std::string> optional_string(std::string_view name) const;  // empty when absent
  [[nodiscard]] Result<bool> boolean(std::string_view name) const;
  [[nodiscard]] Result<std::int64_t> signed_integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] Result<std::uint64_t> unsigned_integer(std::string_view name, std::uint64_t high) const;
  // Base64url text of `low` to `high` bytes.
  [[nodiscard]] Result<Bytes> bytes(std::string_view name, std::size_t low, std::size_t high) const;
  [[nodiscard]] Result<const boost::json::array*> array(std::string_view name, std::size_t limit) const;
  [[nodiscard]] Result<std::vector<std::string>> strings(std::string_view name, std::size_t limit) const;
  [[nodiscard]] std::string place(std::string_view name) const { return place_ + "." + std::string(name); }

 private:
  JsonMembers(const boost::json::object& object, std::string place) : object_(&object), place_(std::move(place)) {}
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view name, std::string_view expected) const;

  const boost::json::object* object_;
  std::string place_;
};

}  // namespace attestd
