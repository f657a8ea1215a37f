#include "evidence/cbor.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "evidence/json_strict.h"

namespace attestd {
namespace {

// RFC 8949 section 3: the three high bits of an initial byte, and what its five low bits say.
constexpr unsigned major_shift = 5;
constexpr std::uint8_t additional_mask = 0x1f;
constexpr std::uint8_t one_byte = 24;
constexpr std::uint8_t two_bytes = 25;
constexpr std::uint8_t four_bytes = 26;
constexpr std::uint8_t eight_bytes = 27;
constexpr std::uint8_t indefinite = 31;
constexpr std::byte break_byte{0xff};
constexpr std::uint8_t simple_false = 20;
constexpr std::uint8_t simple_true = 21;
constexpr std::uint8_t simple_null = 22;
constexpr std::size_t tag_limit = 4;

struct Head {
  std::uint8_t major = 0;
  std::uint8_t additional = 0;
  std::optional<std::uint64_t> argument;  // nothing: indefinite
};

class Parser {
 public:
  explicit Parser(ByteView bytes) : reader_(bytes) {}

  Result<CborValue> value(unsigned depth) {
    CborValue out;
    for (;;) {
      const std::size_t offset = reader_.offset();
      ATTESTD_TRY(const Head head, this->head());
      if (head.major != 6) {
        if (++items_ > cbor_item_limit) {
          return fail_at(Errc::out_of_range, offset, "CBOR of more than " + std::to_string(cbor_item_limit) + " items");
        }
        ATTESTD_CHECK(fill(out, head, offset, depth));
        return out;
      }
      if (!head.argument) return fail_at(Errc::malformed, offset, "CBOR tag without a number");
      if (out.tags.size() == tag_limit) return fail_at(Errc::out_of_range, offset, "CBOR tags upon tags");
      out.tags.push_back(*head.argument);
    }
  }

  [[nodiscard]] bool finished() const { return reader_.empty(); }
  [[nodiscard]] std::size_t offset() const { return reader_.offset(); }

 private:
  Result<Head> head() {
    const std::size_t offset = reader_.offset();
    ATTESTD_TRY(const std::uint8_t initial, reader_.u8("CBOR data item"));
    Head out{static_cast<std::uint8_t>(initial >> major_shift), static_cast<std::uint8_t>(initial & additional_mask),
             std::nullopt};
    if (out.additional < one_byte) {
      out.argument = out.additional;
    } else if (out.additional == one_byte) {
      ATTESTD_TRY(out.argument, reader_.u8("CBOR argument"));
    } else if (out.additional == two_bytes) {
      ATTESTD_TRY(out.argument, reader_.be16("CBOR argument"));
    } else if (out.additional == four_bytes) {
      ATTESTD_TRY(out.argument, reader_.be32("CBOR argument"));
    } else if (out.additional == eight_bytes) {
      ATTESTD_TRY(out.argument, reader_.be64("CBOR argument"));
    } else if (out.additional != indefinite) {
      return fail_at(Errc::malformed, offset, "CBOR data item with reserved additional information");
    }
    return out;
  }

  Result<void> fill(CborValue& out, const Head& head, std::size_t offset, unsigned depth) {
    switch (head.major) {
      case 0:
      case 1:
        if (!head.argument) return fail_at(Errc::malformed, offset, "CBOR integer without a value");
        out.kind = head.major == 0 ? CborValue::Kind::unsigned_integer : CborValue::Kind::negative_integer;
        out.number = *head.argument;
        return {};
      case 2:
      case 3: return string(out, head, offset);
      case 4:
      case 5:
        if (depth == cbor_depth_limit) {
          return fail_at(Errc::out_of_range, offset,
                         "CBOR containers nested deeper than " + std::to_string(cbor_depth_limit));
        }
        return head.major == 4 ? array(out, head, depth + 1) : map(out, head, depth + 1);
      default: return simple(out, head, offset);
    }
  }

  Result<void> string(CborValue& out, const Head& head, std::size_t offset) {
    if (!head.argument) return fail_at(Errc::unsupported, offset, "CBOR string in chunks");
    if (*head.argument > reader_.remaining()) return fail_at(Errc::truncated, offset, "CBOR string ends early");
    ATTESTD_TRY(out.string, reader_.take(static_cast<std::size_t>(*head.argument), "CBOR string"));
    out.kind = head.major == 2 ? CborValue::Kind::bytes : CborValue::Kind::text;
    if (head.major == 3 && to_valid_utf8(as_text(out.string)) != as_text(out.string)) {
      return fail_at(Errc::malformed, offset, "CBOR text that is not UTF-8");
    }
    return {};
  }

  // True when the container has `count` items, or for an indefinite one when its end was read.
  bool ended(const Head& head, std::size_t count) {
    if (head.argument) return count == *head.argument;
    if (reader_.empty() || reader_.rest().front() != break_byte) return false;
    static_cast<void>(reader_.skip(1, "break"));
    return true;
  }

  Result<void> array(CborValue& out, const Head& head, unsigned depth) {
    out.kind = CborValue::Kind::array;
    while (!ended(head, out.items.size())) {
      ATTESTD_TRY(CborValue item, value(depth));
      out.items.push_back(std::move(item));
    }
    return {};
  }

  Result<void> map(CborValue& out, const Head& head, unsigned depth) {
    out.kind = CborValue::Kind::map;
    // Kind, number, text: what makes two keys the same.
    std::set<std::pair<std::pair<CborValue::Kind, std::uint64_t>, std::string_view>> seen;
    while (!ended(head, out.members.size())) {
      const std::size_t offset = reader_.offset();
      ATTESTD_TRY(CborValue key, value(depth));
      if (key.kind > CborValue::Kind::text || !key.tags.empty()) {
        return fail_at(Errc::unsupported, offset, "CBOR map whose key is neither an integer nor a string");
      }
      if (!seen.insert({{key.kind, key.number}, as_text(key.string)}).second) {
        return fail_at(Errc::malformed, offset, "CBOR map has a key twice");
      }
      ATTESTD_TRY(CborValue member, value(depth));
      out.members.push_back({std::move(key), std::move(member)});
    }
    return {};
  }

  static Result<void> simple(CborValue& out, const Head& head, std::size_t offset) {
    if (head.additional == simple_null) {
      out.kind = CborValue::Kind::null;
    } else if (head.additional == simple_false || head.additional == simple_true) {
      out.kind = CborValue::Kind::boolean;
      out.number = head.additional == simple_true ? 1 : 0;
    } else if (head.additional == indefinite) {
      return fail_at(Errc::malformed, offset, "CBOR break outside a container of indefinite length");
    } else {
      return fail_at(Errc::unsupported, offset, "CBOR floating point or simple value");
    }
    return {};
  }

  Reader reader_;
  std::size_t items_ = 0;
};

}  // namespace

const CborValue* CborValue::find(std::string_view key) const {
  const auto it = std::ranges::find_if(members, [&](const CborMember& member) {
    return member.key.kind == Kind::text && as_text(member.key.string) == key;
  });
  return it == members.end() ? nullptr : &it->value;
}

const CborValue* CborValue::find(std::int64_t key) const {
  const Kind wanted = key < 0 ? Kind::negative_integer : Kind::unsigned_integer;
  const auto wanted_number = static_cast<std::uint64_t>(key < 0 ? -1 - key : key);
  const auto it = std::ranges::find_if(members, [&](const CborMember& member) {
    return member.key.kind == wanted && member.key.number == wanted_number;
  });
  return it == members.end() ? nullptr : &it->value;
}

Result<CborValue> parse_cbor_prefix(ByteView bytes) { return Parser(bytes).value(0); }

Result<CborValue> parse_cbor(ByteView bytes) {
  Parser parser(bytes);
  ATTESTD_TRY(CborValue out, parser.value(0));
  if (!parser.finished()) return fail_at(Errc::malformed, parser.offset(), "bytes after the CBOR data item");
  return out;
}

CborWriter& CborWriter::head(std::uint8_t major_type, std::uint64_t argument) {
  const auto initial = [&](std::uint8_t additional) {
    out_.u8(static_cast<std::uint8_t>((major_type << major_shift) | additional));
  };
  if (argument < one_byte) {
    initial(static_cast<std::uint8_t>(argument));
  } else if (argument <= 0xff) {
    initial(one_byte);
    out_.u8(static_cast<std::uint8_t>(argument));
  } else if (argument <= 0xffff) {
    initial(two_bytes);
    out_.be16(static_cast<std::uint16_t>(argument));
  } else if (argument <= 0xffffffff) {
    initial(four_bytes);
    out_.be32(static_cast<std::uint32_t>(argument));
  } else {
    initial(eight_bytes);
    out_.be64(argument);
  }
  return *this;
}

CborWriter& CborWriter::integer(std::int64_t value) {
  return value < 0 ? head(1, static_cast<std::uint64_t>(-1 - value)) : head(0, static_cast<std::uint64_t>(value));
}

CborWriter& CborWriter::bytes(ByteView value) {
  head(2, value.size());
  out_.raw(value);
  return *this;
}

CborWriter& CborWriter::text(std::string_view value) {
  head(3, value.size());
  out_.raw(as_bytes(value));
  return *this;
}

CborWriter& CborWriter::null() { return head(7, simple_null); }

}  // namespace attestd
