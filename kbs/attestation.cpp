// The Attestation message.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <initializer_list>

#include "base/encoding.h"
#include "kbs/json_internal.h"
#include "kbs/message.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::size_t number_limit = 1024;  // bytes: RSA-8192
constexpr std::size_t name_limit = 64;

// Nothing but these: what we do not know could be what somebody else goes by.
Result<void> only_members(const json::value& value, const std::string& place,
                          std::initializer_list<std::string_view> names) {
  for (const auto& member : value.get_object()) {
    if (std::ranges::find(names, std::string_view(member.key())) == names.end()) {
      return fail(Errc::malformed, place + " has a member that is not known");
    }
  }
  return {};
}

Result<std::string> short_string(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(std::string text, members.string(name));
  if (text.size() > name_limit) return fail(Errc::out_of_range, members.place(name) + " is too long");
  return text;
}

Result<TeePublicKey> parse_key(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, place));
  TeePublicKey out;
  ATTESTD_TRY(const std::string type, members.string("kty"));
  ATTESTD_TRY(out.algorithm, short_string(members, "alg"));
  if (type == "EC") {
    ATTESTD_CHECK(only_members(value, place, {"kty", "alg", "crv", "x", "y"}));
    ATTESTD_TRY(out.curve, short_string(members, "crv"));
    ATTESTD_TRY(out.x, members.bytes("x", 1, number_limit));
    ATTESTD_TRY(out.y, members.bytes("y", 1, number_limit));
    return out;
  }
  if (type != "RSA") return fail(Errc::unsupported, members.place("kty") + " is neither EC nor RSA");
  out.kind = TeePublicKey::Kind::rsa;
  ATTESTD_CHECK(only_members(value, place, {"kty", "alg", "n", "e"}));
  ATTESTD_TRY(out.modulus, members.bytes("n", 1, number_limit));
  ATTESTD_TRY(out.exponent, members.bytes("e", 1, number_limit));
  return out;
}

Result<TeePublicKey> key_member(const JsonMembers& members) {
  ATTESTD_TRY(const json::value* const value, members.member("tee-pubkey"));
  return parse_key(*value, members.place("tee-pubkey"));
}

Result<std::optional<InitData>> init_data_member(const JsonMembers& members) {
  if (!has_value(members, "init-data")) return std::optional<InitData>();
  ATTESTD_TRY(const JsonMembers inner, JsonMembers::of(*members.find("init-data"), members.place("init-data")));
  InitData out;
  ATTESTD_TRY(out.format, inner.string("format"));
  ATTESTD_TRY(out.body, inner.string("body"));
  return std::optional<InitData>(std::move(out));
}

Result<void> parse_runtime_data(const JsonMembers& members, Attestation& out) {
  ATTESTD_TRY(const json::value* const value, members.member("runtime-data"));
  ATTESTD_TRY(const JsonMembers inner, JsonMembers::of(*value, members.place("runtime-data")));
  ATTESTD_CHECK(only_members(*value, members.place("runtime-data"), {"nonce", "tee-pubkey"}));
  ATTESTD_TRY(out.nonce, nonce_member(inner));
  ATTESTD_TRY(out.key, key_member(inner));
  return {};
}

Result<void> parse_evidence(const JsonMembers& members, ProtocolVersion version, Attestation& out) {
  ATTESTD_TRY(const json::value* const value, members.member("tee-evidence"));
  if (!has_composite_evidence(version)) {
    out.primary_evidence = json::serialize(*value);
    return {};
  }
  ATTESTD_TRY(const JsonMembers inner, JsonMembers::of(*value, members.place("tee-evidence")));
  ATTESTD_TRY(const json::value* const primary, inner.member("primary_evidence"));
  out.primary_evidence = json::serialize(*primary);
  ATTESTD_TRY(out.additional_evidence, inner.string("additional_evidence"));
  return {};
}

}  // namespace

// Alphabetical, as RFC 8785 section 3.2.3 has it.
std::string encode_tee_public_key(const TeePublicKey& key) {
  std::string out = R"({"alg":)" + canonical_string(key.algorithm);
  if (key.kind == TeePublicKey::Kind::ec) {
    out += R"(,"crv":)" + canonical_string(key.curve) + R"(,"kty":"EC")";
    out += R"(,"x":")" + to_base64url(key.x) + R"(","y":")" + to_base64url(key.y) + R"("})";
  } else {
    out += R"(,"e":")" + to_base64url(key.exponent) + R"(","kty":"RSA","n":")" + to_base64url(key.modulus) + R"("})";
  }
  return out;
}

Result<Attestation> parse_attestation(std::string_view text, ProtocolVersion version) {
  ATTESTD_TRY(const json::value document, parse_message(text, "attestation"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "attestation"));
  Attestation out;
  if (version >= ProtocolVersion::v0_4_0) {
    ATTESTD_TRY(out.init_data, init_data_member(members));
    ATTESTD_CHECK(parse_runtime_data(members, out));
  } else {
    ATTESTD_TRY(out.key, key_member(members));
  }
  ATTESTD_CHECK(parse_evidence(members, version, out));
  return out;
}

std::string encode_attestation(const Attestation& attestation, ProtocolVersion version) {
  const std::string key = encode_tee_public_key(attestation.key);
  std::string out = "{";
  if (version >= ProtocolVersion::v0_4_0) {
    if (attestation.init_data) {
      const InitData& data = *attestation.init_data;
      out += R"("init-data":)" + json::serialize(json::object{{"format", data.format}, {"body", data.body}}) + ",";
    }
    const std::string nonce = attestation.nonce ? nonce_text(*attestation.nonce) : std::string();
    out += R"("runtime-data":{"nonce":")" + nonce + R"(","tee-pubkey":)" + key + "}";
  } else {
    out += R"("tee-pubkey":)" + key;
  }
  out += R"(,"tee-evidence":)";
  if (!has_composite_evidence(version)) return out + attestation.primary_evidence + "}";
  return out + R"({"primary_evidence":)" + attestation.primary_evidence + R"(,"additional_evidence":)" +
         json::serialize(json::string(attestation.additional_evidence)) + "}}";
}

}  // namespace attestd::kbs
