#include "evidence/pck_extensions.h"

#include <algorithm>
#include <map>
#include <string>

#include "evidence/der.h"

namespace attestd {
namespace {

constexpr std::uint8_t tag_boolean = 0x01;
constexpr std::uint8_t tag_integer = 0x02;
constexpr std::uint8_t tag_octets = 0x04;
constexpr std::uint8_t tag_oid = 0x06;
constexpr std::uint8_t tag_enumerated = 0x0a;
constexpr std::uint8_t tag_sequence = 0x30;

// 1.2.840.113741.1.13.1 as the contents of an OBJECT IDENTIFIER (X.690 section 8.19).
constexpr std::array<std::uint8_t, 9> sgx_arc{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

constexpr std::uint8_t arc_ppid = 1, arc_tcb = 2, arc_pce_id = 3, arc_fmspc = 4, arc_sgx_type = 5, arc_instance = 6,
                       arc_configuration = 7;
constexpr std::uint8_t arc_pcesvn = 17, arc_cpusvn = 18;

// Members of one SEQUENCE OF { OID, value }, by the last number of their OID.
using Members = std::map<std::uint8_t, DerValue>;

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Errc::malformed, "the SGX extension of the certificate " + std::string(what));
}

Result<Members> members_of(ByteView contents, std::span<const std::uint8_t> prefix) {
  Members out;
  Reader reader(contents);
  while (!reader.empty()) {
    ATTESTD_TRY(const DerValue pair, read_der(reader));
    if (pair.tag != tag_sequence) return wrong("has a member that is no SEQUENCE");
    Reader inner(pair.contents);
    ATTESTD_TRY(const DerValue oid, read_der(inner));
    ATTESTD_TRY(const DerValue value, read_der(inner));
    if (oid.tag != tag_oid || !inner.empty()) return wrong("has a member that is not an OID and a value");
    const ByteView expected = std::as_bytes(prefix);
    // Members that a later profile may add are not ours to judge.
    if (oid.contents.size() != expected.size() + 1 ||
        !std::ranges::equal(oid.contents.first(expected.size()), expected)) {
      continue;
    }
    if (!out.emplace(std::to_integer<std::uint8_t>(oid.contents.back()), value).second)
      return wrong("has a member twice");
  }
  return out;
}

Result<ByteView> find(const Members& members, std::uint8_t arc, std::uint8_t tag, std::string_view name) {
  const auto found = members.find(arc);
  if (found == members.end()) return wrong("lacks " + std::string(name));
  if (found->second.tag != tag) return wrong("has a " + std::string(name) + " of another type");
  return found->second.contents;
}

template <std::size_t N>
Result<FixedBytes<N>> octets(const Members& members, std::uint8_t arc, std::string_view name) {
  ATTESTD_TRY(const ByteView contents, find(members, arc, tag_octets, name));
  if (contents.size() != N) return wrong("has a " + std::string(name) + " that is not " + std::to_string(N) + " bytes");
  FixedBytes<N> out;
  std::ranges::copy(contents, out.begin());
  return out;
}

// INTEGER or ENUMERATED, not negative, in the shortest form (X.690 section 8.3).
Result<std::uint16_t> number(const Members& members, std::uint8_t arc, std::uint8_t tag, std::uint16_t limit,
                             std::string_view name) {
  ATTESTD_TRY(ByteView digits, find(members, arc, tag, name));
  const auto high_bit = [](std::byte b) { return (b & std::byte{0x80}) != std::byte{0}; };
  if (digits.empty() || high_bit(digits[0])) return wrong("has a " + std::string(name) + " that is no number");
  if (digits.size() > 1 && digits[0] == std::byte{0}) {
    if (!high_bit(digits[1])) return wrong("has a " + std::string(name) + " that is not in DER");
    digits = digits.subspan(1);
  }
  std::uint32_t value = 0;
  if (digits.size() > 2) return wrong("has a " + std::string(name) + " out of range");
  for (const std::byte b : digits) value = value << 8U | std::to_integer<std::uint32_t>(b);
  if (value > limit) return wrong("has a " + std::string(name) + " out of range");
  return static_cast<std::uint16_t>(value);
}

Result<std::optional<bool>> boolean(const Members& members, std::uint8_t arc, std::string_view name) {
  if (!members.contains(arc)) return std::optional<bool>();
  ATTESTD_TRY(const ByteView contents, find(members, arc, tag_boolean, name));
  if (contents.size() != 1 || (contents[0] != std::byte{0} && contents[0] != std::byte{0xff})) {
    return wrong("has a " + std::string(name) + " that is not in DER");
  }
  return std::optional<bool>(contents[0] != std::byte{0});
}

std::vector<std::uint8_t> arc_below(std::uint8_t arc) {
  std::vector<std::uint8_t> out(sgx_arc.begin(), sgx_arc.end());
  out.push_back(arc);
  return out;
}

Result<void> read_tcb(const Members& sgx, PckExtensions& out) {
  ATTESTD_TRY(const ByteView contents, find(sgx, arc_tcb, tag_sequence, "TCB"));
  ATTESTD_TRY(const Members tcb, members_of(contents, arc_below(arc_tcb)));
  for (std::uint8_t i = 0; i < out.sgx_components.size(); ++i) {
    ATTESTD_TRY(const std::uint16_t svn,
                number(tcb, static_cast<std::uint8_t>(i + 1), tag_integer, 0xff, "TCB component"));
    out.sgx_components[i] = static_cast<std::uint8_t>(svn);
  }
  ATTESTD_TRY(out.pcesvn, number(tcb, arc_pcesvn, tag_integer, 0xffff, "PCESVN"));
  ATTESTD_TRY(out.cpusvn, octets<16>(tcb, arc_cpusvn, "CPUSVN"));
  return {};
}

Result<void> read_configuration(const Members& sgx, PckExtensions& out) {
  if (!sgx.contains(arc_configuration)) return {};
  ATTESTD_TRY(const ByteView contents, find(sgx, arc_configuration, tag_sequence, "configuration"));
  ATTESTD_TRY(const Members configuration, members_of(contents, arc_below(arc_configuration)));
  ATTESTD_TRY(out.dynamic_platform, boolean(configuration, 1, "dynamic platform"));
  ATTESTD_TRY(out.cached_keys, boolean(configuration, 2, "cached keys"));
  ATTESTD_TRY(out.smt_enabled, boolean(configuration, 3, "SMT enabled"));
  return {};
}

Bytes encode(std::uint8_t tag, ByteView contents) {
  constexpr std::size_t short_form = 0x80;
  Writer out;
  out.u8(tag);
  if (contents.size() < short_form) {
    out.u8(static_cast<std::uint8_t>(contents.size()));
  } else if (contents.size() <= 0xff) {
    out.u8(0x81).u8(static_cast<std::uint8_t>(contents.size()));
  } else {
    out.u8(0x82).be16(static_cast<std::uint16_t>(contents.size()));
  }
  return out.raw(contents).take();
}

Bytes encode_number(std::uint8_t tag, std::uint16_t value) {
  Writer digits;
  if (value >= 0x8000) digits.u8(0);
  if (value > 0xff) {
    digits.be16(value);
  } else {
    if (value >= 0x80) digits.u8(0);
    digits.u8(static_cast<std::uint8_t>(value));
  }
  return encode(tag, digits.bytes());
}

Bytes encode_member(std::span<const std::uint8_t> prefix, std::uint8_t arc, const Bytes& value) {
  const Bytes oid = Writer().raw(std::as_bytes(prefix)).u8(arc).take();
  return encode(tag_sequence, Writer().raw(encode(tag_oid, oid)).raw(value).bytes());
}

}  // namespace

Result<PckExtensions> parse_pck_extensions(ByteView value) {
  Reader reader(value);
  ATTESTD_TRY(const DerValue outer, read_der(reader));
  if (outer.tag != tag_sequence || !reader.empty()) return wrong("is not one SEQUENCE");
  ATTESTD_TRY(const Members sgx, members_of(outer.contents, sgx_arc));
  PckExtensions out;
  ATTESTD_TRY(out.ppid, octets<16>(sgx, arc_ppid, "PPID"));
  ATTESTD_CHECK(read_tcb(sgx, out));
  ATTESTD_TRY(out.pce_id, octets<2>(sgx, arc_pce_id, "PCE-ID"));
  ATTESTD_TRY(out.fmspc, octets<6>(sgx, arc_fmspc, "FMSPC"));
  ATTESTD_TRY(const std::uint16_t type, number(sgx, arc_sgx_type, tag_enumerated, 0xff, "SGX type"));
  out.sgx_type = static_cast<std::uint8_t>(type);
  if (sgx.contains(arc_instance)) {
    ATTESTD_TRY(out.platform_instance_id, octets<16>(sgx, arc_instance, "platform instance ID"));
  }
  ATTESTD_CHECK(read_configuration(sgx, out));
  return out;
}

Bytes encode_pck_extensions(const PckExtensions& extensions) {
  const std::vector<std::uint8_t> below_tcb = arc_below(arc_tcb);
  Writer tcb;
  for (std::uint8_t i = 0; i < extensions.sgx_components.size(); ++i) {
    tcb.raw(encode_member(below_tcb, static_cast<std::uint8_t>(i + 1),
                          encode_number(tag_integer, extensions.sgx_components[i])));
  }
  tcb.raw(encode_member(below_tcb, arc_pcesvn, encode_number(tag_integer, extensions.pcesvn)));
  tcb.raw(encode_member(below_tcb, arc_cpusvn, encode(tag_octets, extensions.cpusvn)));

  Writer out;
  out.raw(encode_member(sgx_arc, arc_ppid, encode(tag_octets, extensions.ppid)));
  out.raw(encode_member(sgx_arc, arc_tcb, encode(tag_sequence, tcb.bytes())));
  out.raw(encode_member(sgx_arc, arc_pce_id, encode(tag_octets, extensions.pce_id)));
  out.raw(encode_member(sgx_arc, arc_fmspc, encode(tag_octets, extensions.fmspc)));
  out.raw(encode_member(sgx_arc, arc_sgx_type, encode_number(tag_enumerated, extensions.sgx_type)));
  if (extensions.platform_instance_id) {
    out.raw(encode_member(sgx_arc, arc_instance, encode(tag_octets, *extensions.platform_instance_id)));
  }
  Writer configuration;
  const std::vector<std::uint8_t> below_configuration = arc_below(arc_configuration);
  const std::array<std::optional<bool>, 3> flags{extensions.dynamic_platform, extensions.cached_keys,
                                                 extensions.smt_enabled};
  for (std::uint8_t i = 0; i < flags.size(); ++i) {
    if (!flags[i]) continue;
    const std::array<std::byte, 1> flag{*flags[i] ? std::byte{0xff} : std::byte{0}};
    configuration.raw(encode_member(below_configuration, static_cast<std::uint8_t>(i + 1), encode(tag_boolean, flag)));
  }
  if (!configuration.bytes().empty()) {
    out.raw(encode_member(sgx_arc, arc_configuration, encode(tag_sequence, configuration.bytes())));
  }
  return encode(tag_sequence, out.bytes());
}

}  // namespace attestd
