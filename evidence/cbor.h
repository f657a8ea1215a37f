// CBOR (RFC 8949) as COSE and AWS's attestation documents use it: a reader that
// gives a tree, and a writer of the preferred serialization.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

struct CborValue;
struct CborMember;

// Views into the bytes that were parsed, which must outlive it.
struct CborValue {
  enum class Kind { unsigned_integer, negative_integer, bytes, text, array, map, boolean, null };
  Kind kind = Kind::null;
  std::uint64_t number = 0;         // the integer; of a negative one n, where the value is -1 - n; 0 or 1 of a boolean
  ByteView string;                  // bytes and text
  std::vector<std::uint64_t> tags;  // outermost first
  std::vector<CborValue> items;     // array
  std::vector<CborMember> members;  // map, in the order of the input

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  // The member of this map with that text, or integer, as key; null when there is none.
  [[nodiscard]] const CborValue* find(std::string_view key) const;
  [[nodiscard]] const CborValue* find(std::int64_t key) const;
};
struct CborMember {
  CborValue key;
  CborValue value;
};

inline constexpr unsigned cbor_depth_limit = 8;       // containers within containers
inline constexpr std::size_t cbor_item_limit = 1024;  // values and keys altogether

// One data item that is all of `bytes`. Maps have integers and strings as keys,
// each once (section 5.6). Indefinite lengths are read in arrays and maps.
// Errors: truncated, malformed (also text that is not UTF-8, or a key twice),
// unsupported (floating point, other simple values, chunked strings), out_of_range
// (the limits above).
Result<CborValue> parse_cbor(ByteView bytes);
// One data item at the start; what follows is not looked at.
Result<CborValue> parse_cbor_prefix(ByteView bytes);

// Appends data items, each in the shortest form (section 4.1). Containers are as
// long as they are said to be: the caller adds that many items, or pairs.
class CborWriter {
 public:
  CborWriter& unsigned_integer(std::uint64_t value) { return head(0, value); }
  CborWriter& integer(std::int64_t value);
  CborWriter& bytes(ByteView value);
  CborWriter& text(std::string_view value);
  CborWriter& array(std::size_t items) { return head(4, items); }
  CborWriter& map(std::size_t pairs) { return head(5, pairs); }
  CborWriter& tag(std::uint64_t number) { return head(6, number); }
  CborWriter& null();
  CborWriter& bytes_or_null(const std::optional<Bytes>& value) { return value ? bytes(*value) : null(); }
  [[nodiscard]] Bytes take() { return out_.take(); }

 private:
  CborWriter& head(std::uint8_t major_type, std::uint64_t argument);

  Writer out_;
};

}  // namespace attestd
