#include "evidence/cel.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "evidence/ccel.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

constexpr std::size_t max_records = 65536;
constexpr std::size_t max_digests = 32;
constexpr std::uint32_t max_pcr = 23;
constexpr std::uint8_t type_record_number = 0;
constexpr std::uint8_t type_digests = 3;

std::string content_name(std::uint8_t type) {
  switch (type) {
    case cel_content_management: return "cel";
    case cel_content_pcclient_std: return "pcclient_std";
    case cel_content_ima_template: return "ima_template";
    case cel_content_ima_tlv: return "ima_tlv";
    default: break;
  }
  return hex_number(type);
}

struct Tlv {
  std::size_t offset = 0;
  std::uint8_t type = 0;
  ByteView value;
};

Result<Tlv> take_tlv(Reader& reader, std::string_view what) {
  Tlv out;
  out.offset = reader.offset();
  ATTESTD_TRY(out.type, reader.u8(what));
  ATTESTD_TRY(const std::uint32_t length, reader.be32(what));
  ATTESTD_TRY(out.value, reader.take(length, what));
  return out;
}

// A number of 1 to 8 bytes, big-endian; writers differ in how many they use.
Result<std::uint64_t> number(const Tlv& field, std::string_view what) {
  if (field.value.empty() || field.value.size() > 8) {
    return fail_at(Errc::malformed, field.offset,
                   std::string(what) + " has " + std::to_string(field.value.size()) + " bytes, not 1 to 8");
  }
  std::uint64_t out = 0;
  for (const std::byte byte : field.value) out = out << 8U | std::to_integer<std::uint64_t>(byte);
  return out;
}

Result<void> take_register(const Tlv& field, CelRecord& record) {
  switch (field.type) {
    case static_cast<std::uint8_t>(CelRegister::pcr): record.register_kind = CelRegister::pcr; break;
    case static_cast<std::uint8_t>(CelRegister::nv_index): record.register_kind = CelRegister::nv_index; break;
    case static_cast<std::uint8_t>(CelRegister::cc_register): record.register_kind = CelRegister::cc_register; break;
    default:
      return fail_at(Errc::malformed, field.offset,
                     "field of type " + std::to_string(field.type) + " is where the record's register belongs");
  }
  ATTESTD_TRY(const std::uint64_t index, number(field, "register index"));
  const std::uint64_t highest = record.register_kind == CelRegister::pcr ? max_pcr : 0xffffffff;
  if (index > highest) {
    return fail_at(Errc::out_of_range, field.offset, "register index " + std::to_string(index) + " is too large");
  }
  record.register_index = static_cast<std::uint32_t>(index);
  return {};
}

Result<void> add_digest(CelRecord& record, std::optional<HashAlgorithm> algorithm, Bytes value, std::size_t offset) {
  if (!algorithm) return {};  // stepped over
  if (value.size() != hash_size(*algorithm)) {
    return fail_at(Errc::out_of_range, offset,
                   std::string(hash_name(*algorithm)) + " digest has " + std::to_string(value.size()) + " bytes");
  }
  if (std::ranges::find(record.digests, *algorithm, &EventDigest::algorithm) != record.digests.end()) {
    return fail_at(Errc::malformed, offset, "record has two digests of one algorithm");
  }
  record.digests.push_back({*algorithm, std::move(value)});
  return {};
}

Result<void> take_digests(const Tlv& field, CelRecord& record) {
  if (field.type != type_digests) {
    return fail_at(Errc::malformed, field.offset,
                   "field of type " + std::to_string(field.type) + " is where the record's digests belong");
  }
  Reader reader(field.value, field.offset + 5);
  for (std::size_t count = 0; !reader.empty(); ++count) {
    if (count == max_digests) return fail_at(Errc::out_of_range, reader.offset(), "record has over 32 digests");
    ATTESTD_TRY(const Tlv digest, take_tlv(reader, "digest"));
    ATTESTD_CHECK(add_digest(record, hash_from_id(digest.type), to_bytes(digest.value), digest.offset));
  }
  return {};
}

Result<std::vector<CelRecord>> parse_tlv(ByteView bytes) {
  std::vector<CelRecord> out;
  Reader reader(bytes);
  while (!reader.empty()) {
    if (out.size() == max_records) return fail_at(Errc::out_of_range, reader.offset(), "log has over 65536 records");
    CelRecord record;
    record.offset = reader.offset();
    ATTESTD_TRY(const Tlv number_field, take_tlv(reader, "record number"));
    if (number_field.type != type_record_number) {
      return fail_at(Errc::malformed, number_field.offset,
                     "record begins with a field of type " + std::to_string(number_field.type) + ", not 0");
    }
    ATTESTD_TRY(record.record_number, number(number_field, "record number"));
    ATTESTD_TRY(const Tlv index, take_tlv(reader, "register index"));
    ATTESTD_CHECK(take_register(index, record));
    ATTESTD_TRY(const Tlv digests, take_tlv(reader, "digests"));
    ATTESTD_CHECK(take_digests(digests, record));
    ATTESTD_TRY(const Tlv content, take_tlv(reader, "content"));
    record.content_type = content.type;
    record.content = to_bytes(content.value);
    record.content_name = content_name(content.type);
    out.push_back(std::move(record));
  }
  if (out.empty()) return fail_at(Errc::truncated, 0, "log has no records");
  return out;
}

Result<CelRecord> parse_json_record(const boost::json::value& value, std::size_t index) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "record " + std::to_string(index)));
  CelRecord out;
  if (members.find("recnum") != nullptr) {
    ATTESTD_TRY(out.record_number, members.unsigned_integer("recnum", ~std::uint64_t{0} >> 1U));
  }
  if (members.find("pcr") != nullptr) {
    ATTESTD_TRY(const std::uint64_t pcr, members.unsigned_integer("pcr", max_pcr));
    out.register_index = static_cast<std::uint32_t>(pcr);
  } else {
    out.register_kind = CelRegister::nv_index;
    ATTESTD_TRY(const std::uint64_t nv_index, members.unsigned_integer("nv_index", 0xffffffff));
    out.register_index = static_cast<std::uint32_t>(nv_index);
  }
  ATTESTD_TRY(const boost::json::array* const digests, members.array("digests", max_digests));
  for (const boost::json::value& element : *digests) {
    ATTESTD_TRY(const JsonMembers digest, JsonMembers::of(element, members.place("digests")));
    ATTESTD_TRY(const std::string name, digest.string("hashAlg"));
    ATTESTD_TRY(const std::string hex, digest.string("digest"));
    ATTESTD_TRY(Bytes bytes, from_hex(hex));
    auto added = add_digest(out, hash_from_name(name), std::move(bytes), 0);
    if (!added) return std::unexpected(std::move(added).error().in(members.place("digests")));
  }
  ATTESTD_TRY(out.content_name, members.optional_string("content_type"));
  if (const boost::json::value* const content = members.find("content"); content != nullptr) {
    out.content_json = boost::json::serialize(*content);
  }
  return out;
}

Result<std::vector<CelRecord>> parse_json_log(ByteView bytes) {
  ATTESTD_TRY(const boost::json::value document, parse_json(as_text(bytes)));
  if (!document.is_array()) return fail_at(Errc::malformed, 0, "log is no JSON array of records");
  const boost::json::array& records = document.get_array();
  if (records.size() > max_records) return fail_at(Errc::out_of_range, 0, "log has over 65536 records");
  if (records.empty()) return fail_at(Errc::truncated, 0, "log has no records");
  std::vector<CelRecord> out;
  out.reserve(records.size());
  for (const boost::json::value& record : records) {
    ATTESTD_TRY(CelRecord parsed, parse_json_record(record, out.size()));
    out.push_back(std::move(parsed));
  }
  return out;
}

void put_tlv(Writer& writer, std::uint8_t type, ByteView value) {
  writer.u8(type).be32(static_cast<std::uint32_t>(value.size())).raw(value);
}

}  // namespace

std::string cel_register_name(CelRegister kind, std::uint32_t index) {
  switch (kind) {
    case CelRegister::pcr: return "PCR " + std::to_string(index);
    case CelRegister::cc_register: return cc_register_name(index);
    case CelRegister::nv_index: break;
  }
  return "NV " + hex_number(index);
}

Result<std::vector<CelRecord>> parse_cel(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const std::size_t visible = text.find_first_not_of(" \t\r\n");
  if (visible != std::string_view::npos && text[visible] == '[') return parse_json_log(bytes);
  return parse_tlv(bytes);
}

Bytes encode_cel_tlv(const std::vector<CelRecord>& records) {
  Writer out;
  for (const CelRecord& record : records) {
    put_tlv(out, type_record_number, Writer().be64(record.record_number.value_or(0)).bytes());
    Writer index;
    if (record.register_kind == CelRegister::nv_index || record.register_index > 0xff) {
      index.be32(record.register_index);
    } else {
      index.u8(static_cast<std::uint8_t>(record.register_index));
    }
    put_tlv(out, static_cast<std::uint8_t>(record.register_kind), index.bytes());
    Writer digests;
    for (const EventDigest& digest : record.digests) {
      put_tlv(digests, static_cast<std::uint8_t>(digest.algorithm), digest.value);
    }
    put_tlv(out, type_digests, digests.bytes());
    put_tlv(out, record.content_type, record.content);
  }
  return out.take();
}

}  // namespace attestd
