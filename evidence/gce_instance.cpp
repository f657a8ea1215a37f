#include "evidence/gce_instance.h"

#include "evidence/der.h"

namespace attestd {
namespace {

// X.690 section 8: universal tags, and context-specific constructed ones.
constexpr std::uint8_t boolean_tag = 0x01;
constexpr std::uint8_t integer_tag = 0x02;
constexpr std::uint8_t utf8_tag = 0x0c;
constexpr std::uint8_t sequence_tag = 0x30;
constexpr std::uint8_t context_tag = 0xa0;
constexpr std::size_t text_limit = 256;
constexpr std::uint8_t der_true = 0xff;

Result<ByteView> expect(Reader& reader, std::uint8_t tag, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const DerValue value, read_der(reader));
  if (value.tag != tag) return fail_at(Errc::malformed, at, std::string(what) + " has another ASN.1 type");
  return value.contents;
}

Result<std::string> read_text(Reader& reader, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const ByteView bytes, expect(reader, utf8_tag, what));
  if (bytes.size() > text_limit) return fail_at(Errc::out_of_range, at, std::string(what) + " is over 256 bytes");
  return std::string(as_text(bytes));
}

Result<std::uint64_t> number_of(ByteView digits, std::size_t at, std::string_view what) {
  const bool padded = digits.size() > 1 && digits[0] == std::byte{0};
  if (digits.empty() || (!padded && digits[0] >= std::byte{0x80}) || (padded && digits[1] < std::byte{0x80})) {
    return fail_at(Errc::malformed, at, std::string(what) + " is no number from 0 in DER");
  }
  if (padded) digits = digits.subspan(1);
  if (digits.size() > sizeof(std::uint64_t))
    return fail_at(Errc::out_of_range, at, std::string(what) + " is over 64 bits");
  std::uint64_t out = 0;
  for (const std::byte digit : digits) out = out << 8U | std::to_integer<std::uint64_t>(digit);
  return out;
}

Result<std::uint64_t> read_number(Reader& reader, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const ByteView digits, expect(reader, integer_tag, what));
  return number_of(digits, at, what);
}

Result<void> nothing_follows(const Reader& reader) {
  if (reader.empty()) return {};
  return fail_at(Errc::malformed, reader.offset(), "bytes follow the instance identity");
}

Result<void> read_security(ByteView contents, std::size_t base, GceInstance& out) {
  Reader outer(contents, base);
  ATTESTD_TRY(const ByteView members, expect(outer, sequence_tag, "security properties"));
  ATTESTD_CHECK(nothing_follows(outer));
  Reader reader(members, base);
  while (!reader.empty()) {
    const std::size_t at = reader.offset();
    ATTESTD_TRY(const DerValue member, read_der(reader));
    Reader inner(member.contents, at);
    if (member.tag == context_tag) {
      if (out.security_version) return fail_at(Errc::malformed, at, "the security version is there twice");
      ATTESTD_TRY(out.security_version, read_number(inner, "security version"));
    } else if (member.tag == context_tag + 1) {
      if (out.production) return fail_at(Errc::malformed, at, "the production flag is there twice");
      ATTESTD_TRY(const ByteView flag, expect(inner, boolean_tag, "production flag"));
      if (flag.size() != 1) return fail_at(Errc::malformed, at, "the production flag is no BOOLEAN");
      out.production = flag[0] != std::byte{0};
    } else {
      continue;
    }
    ATTESTD_CHECK(nothing_follows(inner));
  }
  return {};
}

Bytes wrap(std::uint8_t tag, ByteView contents) { return encode_der(tag, contents); }

Bytes integer(std::uint64_t value) {
  Bytes digits;
  for (unsigned shift = 64; shift > 0; shift -= 8) {
    const auto digit = static_cast<std::byte>(value >> (shift - 8) & 0xffU);
    if (!digits.empty() || digit != std::byte{0} || shift == 8) digits.push_back(digit);
  }
  if (digits.front() >= std::byte{0x80}) digits.insert(digits.begin(), std::byte{0});
  return wrap(integer_tag, digits);
}

}  // namespace

Result<GceInstance> parse_gce_instance(ByteView der) {
  Reader outer(der);
  ATTESTD_TRY(const ByteView members, expect(outer, sequence_tag, "instance identity"));
  ATTESTD_CHECK(nothing_follows(outer));
  Reader reader(members, der.size() - members.size());
  GceInstance out;
  ATTESTD_TRY(out.zone, read_text(reader, "zone"));
  ATTESTD_TRY(out.project_number, read_number(reader, "project number"));
  ATTESTD_TRY(out.project_id, read_text(reader, "project"));
  ATTESTD_TRY(out.instance_id, read_number(reader, "instance number"));
  ATTESTD_TRY(out.instance_name, read_text(reader, "instance name"));
  if (!reader.empty()) {
    const std::size_t at = reader.offset();
    ATTESTD_TRY(const ByteView security, expect(reader, context_tag, "security properties"));
    ATTESTD_CHECK(read_security(security, at, out));
  }
  ATTESTD_CHECK(nothing_follows(reader));
  return out;
}

Bytes encode_gce_instance(const GceInstance& instance) {
  Writer members;
  members.raw(wrap(utf8_tag, as_bytes(instance.zone)));
  members.raw(integer(instance.project_number));
  members.raw(wrap(utf8_tag, as_bytes(instance.project_id)));
  members.raw(integer(instance.instance_id));
  members.raw(wrap(utf8_tag, as_bytes(instance.instance_name)));
  Writer security;
  if (instance.security_version) security.raw(wrap(context_tag, integer(*instance.security_version)));
  if (instance.production) {
    const Bytes flag(1, *instance.production ? std::byte{der_true} : std::byte{0});
    security.raw(wrap(context_tag + 1, wrap(boolean_tag, flag)));
  }
  if (!security.bytes().empty()) members.raw(wrap(context_tag, wrap(sequence_tag, security.bytes())));
  return wrap(sequence_tag, members.bytes());
}

}  // namespace attestd
