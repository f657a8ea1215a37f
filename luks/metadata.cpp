#include "luks/metadata_internal.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "luks/json_fields_internal.h"

namespace attestd::luks {
namespace json = boost::json;
namespace {

constexpr std::uint64_t area_alignment = 4096;  // section 3.5, keyslots_size; cryptsetup aligns areas alike
constexpr std::size_t flags_limit = 32;

// Section 3.2.5. Of a type that we do not know only its name is kept, which is enough to refuse it.
Result<Kdf> read_kdf(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers any, JsonMembers::of(value, place));
  Kdf out;
  ATTESTD_TRY(out.type, name_of(any, "type"));
  if (out.type == "pbkdf2") {
    ATTESTD_TRY(const JsonMembers members, object_of(value, place, {"type", "salt", "hash", "iterations"}));
    ATTESTD_TRY(out.hash, name_of(members, "hash"));
    ATTESTD_TRY(out.iterations, number(members, "iterations"));
  } else if (out.type == "argon2i" || out.type == "argon2id") {
    ATTESTD_TRY(const JsonMembers members, object_of(value, place, {"type", "salt", "time", "memory", "cpus"}));
    ATTESTD_TRY(out.time, number(members, "time"));
    ATTESTD_TRY(out.memory_kib, number(members, "memory"));
    ATTESTD_TRY(out.threads, number(members, "cpus"));
  } else {
    return out;
  }
  ATTESTD_TRY(out.salt, binary(any, "salt"));
  return out;
}

Result<void> read_area(const json::value& value, const std::string& place, Keyslot& out) {
  ATTESTD_TRY(const JsonMembers members, object_of(value, place, {"type", "offset", "size", "encryption", "key_size"}));
  ATTESTD_TRY(out.area_type, name_of(members, "type"));
  ATTESTD_TRY(out.area_offset, long_number(members, "offset"));
  ATTESTD_TRY(out.area_size, long_number(members, "size"));
  if (out.area_type != "raw") return {};
  ATTESTD_TRY(out.area_encryption, name_of(members, "encryption"));
  ATTESTD_TRY(out.area_key_size, number(members, "key_size"));
  return {};
}

Result<void> read_af(const json::value& value, const std::string& place, Keyslot& out) {
  ATTESTD_TRY(const JsonMembers members, object_of(value, place, {"type", "hash", "stripes"}));
  ATTESTD_TRY(out.af_type, name_of(members, "type"));
  ATTESTD_TRY(out.af_hash, name_of(members, "hash"));
  ATTESTD_TRY(out.af_stripes, number(members, "stripes"));
  return {};
}

Result<Keyslot> read_keyslot(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers any, JsonMembers::of(value, place));
  Keyslot out;
  ATTESTD_TRY(out.type, name_of(any, "type"));
  if (out.type == "reencrypt") {
    return fail(
        Errc::unsupported,
        place + " belongs to an encryption anew that has not ended: cryptsetup reencrypt --resume-only ends it");
  }
  ATTESTD_TRY(out.key_size, number(any, "key_size"));
  ATTESTD_TRY(const json::value* const area, any.member("area"));
  ATTESTD_CHECK(read_area(*area, place + ".area", out));
  if (out.type != "luks2") return out;
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, place, {"type", "key_size", "area", "priority", "kdf", "af"}));
  if (members.find("priority") != nullptr) {
    ATTESTD_TRY(const std::uint64_t priority, members.unsigned_integer("priority", 2));
    out.priority = static_cast<std::uint32_t>(priority);
  }
  ATTESTD_TRY(const json::value* const af, members.member("af"));
  ATTESTD_CHECK(read_af(*af, place + ".af", out));
  ATTESTD_TRY(const json::value* const kdf, members.member("kdf"));
  ATTESTD_TRY(out.kdf, read_kdf(*kdf, place + ".kdf"));
  return out;
}

Result<void> read_crypt(const json::value& value, const std::string& place, Segment& out) {
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, place,
                        {"type", "offset", "size", "flags", "iv_tweak", "encryption", "sector_size", "integrity"}));
  ATTESTD_TRY(out.iv_tweak, long_number(members, "iv_tweak"));
  ATTESTD_TRY(out.encryption, name_of(members, "encryption"));
  ATTESTD_TRY(out.sector_size, number(members, "sector_size"));
  const json::value* const integrity = members.find("integrity");
  if (integrity == nullptr) return {};
  ATTESTD_TRY(const JsonMembers inner,
              object_of(*integrity, place + ".integrity", {"type", "journal_encryption", "journal_integrity"}));
  ATTESTD_TRY(out.integrity, name_of(inner, "type"));
  ATTESTD_TRY(out.journal_encryption, name_of(inner, "journal_encryption"));
  ATTESTD_TRY(out.journal_integrity, name_of(inner, "journal_integrity"));
  return {};
}

Result<Segment> read_segment(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers any, JsonMembers::of(value, place));
  Segment out;
  ATTESTD_TRY(out.type, name_of(any, "type"));
  ATTESTD_TRY(out.offset, long_number(any, "offset"));
  ATTESTD_TRY(const std::string size, any.string("size"));
  if (size != "dynamic") {
    ATTESTD_TRY(out.size, decimal(size, place + ".size"));
  }
  if (any.find("flags") != nullptr) {
    ATTESTD_TRY(out.flags, any.strings("flags", flags_limit));
  }
  for (const std::string& flag : out.flags) {
    if (flag.starts_with("backup-") || flag == "in-reencryption") {
      return fail(Errc::unsupported, place + " is being encrypted anew (flag " + flag + ")");
    }
  }
  if (out.type == "crypt") ATTESTD_CHECK(read_crypt(value, place, out));
  return out;
}

Result<Digest> read_digest(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers any, JsonMembers::of(value, place));
  Digest out;
  ATTESTD_TRY(out.type, name_of(any, "type"));
  ATTESTD_TRY(out.keyslots, references(any, "keyslots"));
  ATTESTD_TRY(out.segments, references(any, "segments"));
  if (out.type != "pbkdf2") return out;
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, place, {"type", "keyslots", "segments", "hash", "iterations", "salt", "digest"}));
  ATTESTD_TRY(out.hash, name_of(members, "hash"));
  ATTESTD_TRY(out.iterations, number(members, "iterations"));
  ATTESTD_TRY(out.salt, binary(members, "salt"));
  ATTESTD_TRY(out.value, binary(members, "digest"));
  return out;
}

Result<Token> read_token(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, place));
  Token out;
  ATTESTD_TRY(out.type, name_of(members, "type"));
  ATTESTD_TRY(out.keyslots, references(members, "keyslots"));
  out.json = json::serialize(value);
  return out;
}

// The objects of one kind, under their numbers.
template <class Object>
Result<std::vector<Object>> read_objects(const JsonMembers& top, std::string_view kind,
                                         Result<Object> (*read)(const json::value&, const std::string&)) {
  ATTESTD_TRY(const json::value* const value, top.member(kind));
  if (!value->is_object()) return fail(Errc::malformed, std::string(kind) + " is not a JSON object");
  if (value->get_object().size() > objects_limit) {
    return fail(Errc::out_of_range, "there are over 32 " + std::string(kind));
  }
  std::vector<Object> out;
  for (const auto& member : value->get_object()) {
    const std::string name(member.key().data(), member.key().size());
    ATTESTD_TRY(const unsigned id, object_id(name, "the name of one of the " + std::string(kind)));
    ATTESTD_TRY(Object object, read(member.value(), std::string(kind) + "." + name));
    object.id = id;
    out.push_back(std::move(object));
  }
  return out;
}

// Section 3.5. The requirements are an object with the array "mandatory" in cryptsetup and
// in every header, whatever the specification's text says.
Result<void> read_requirements(const json::value& value, Header& out) {
  ATTESTD_TRY(const JsonMembers members, object_of(value, "config.requirements", {"mandatory"}));
  if (members.find("mandatory") == nullptr) return {};
  ATTESTD_TRY(out.requirements, members.strings("mandatory", flags_limit));
  for (const std::string& requirement : out.requirements) {
    if (requirement.starts_with("online-reencrypt") || requirement == "offline-reencrypt") {
      return fail(Errc::unsupported, "the volume is being encrypted anew (requirement " + requirement +
                                         "): cryptsetup reencrypt --resume-only ends it");
    }
    return fail(Errc::unsupported, "the volume requires '" + requirement + "', which we do not know");
  }
  return {};
}

Result<void> read_config(const json::value& value, std::uint64_t header_size, Header& out) {
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, "config", {"json_size", "keyslots_size", "flags", "requirements"}));
  ATTESTD_TRY(const std::uint64_t json_size, long_number(members, "json_size"));
  if (json_size != header_size - binary_header_size) {
    return fail(Errc::mismatch, "config.json_size is " + std::to_string(json_size) + ", the binary header makes it " +
                                    std::to_string(header_size - binary_header_size));
  }
  ATTESTD_TRY(out.keyslots_size, long_number(members, "keyslots_size"));
  if (out.keyslots_size % area_alignment != 0) {
    return fail(Errc::malformed, "config.keyslots_size is no multiple of 4096");
  }
  if (out.keyslots_size > metadata_limit || 2 * header_size + out.keyslots_size > metadata_limit) {
    return fail(Errc::out_of_range, "the metadata of the volume has over 64 MiB");
  }
  if (members.find("flags") != nullptr) {
    ATTESTD_TRY(out.flags, members.strings("flags", flags_limit));
  }
  const json::value* const requirements = members.find("requirements");
  return requirements == nullptr ? Result<void>() : read_requirements(*requirements, out);
}

}  // namespace

Result<void> read_metadata(std::string_view text, std::uint64_t header_size, Header& out) {
  ATTESTD_TRY(const json::value value, parse_text(text));
  ATTESTD_TRY(const JsonMembers top,
              object_of(value, "the JSON area", {"keyslots", "tokens", "segments", "digests", "config"}));
  // First, for what it says of a volume in transition is the better reason.
  ATTESTD_TRY(const json::value* const config, top.member("config"));
  ATTESTD_CHECK(read_config(*config, header_size, out));
  ATTESTD_TRY(out.keyslots, read_objects<Keyslot>(top, "keyslots", read_keyslot));
  ATTESTD_TRY(out.segments, read_objects<Segment>(top, "segments", read_segment));
  ATTESTD_TRY(out.digests, read_objects<Digest>(top, "digests", read_digest));
  ATTESTD_TRY(out.tokens, read_objects<Token>(top, "tokens", read_token));
  return {};
}

}  // namespace attestd::luks
