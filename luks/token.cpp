#include "luks/token.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/text.h"
#include "luks/json_fields_internal.h"
#include "luks/vtpm_binding_internal.h"

namespace attestd::luks {
namespace json = boost::json;
namespace {

constexpr std::uint64_t token_version = 1;
constexpr std::uint64_t most_generations = (std::uint64_t{1} << 53U) - 1;  // exact in every JSON reader
constexpr std::size_t part_limit = 64;
constexpr std::size_t shown_limit = 128;

bool resource_part(std::string_view part) {
  const bool known = std::ranges::all_of(part, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  return known && !part.empty() && part.size() <= part_limit && part != "." && part != "..";
}

Result<void> check_resource(std::string_view resource) {
  std::size_t parts = 0;
  for (const auto part : std::views::split(resource, '/')) {
    ++parts;
    if (!resource_part(std::string_view(part.begin(), part.end()))) parts = 4;
  }
  if (parts != 3) {
    return fail(Errc::malformed, "attestd.resource is not REPOSITORY/TYPE/TAG of letters, digits, '.', '_' and '-'");
  }
  return {};
}

Result<void> read_ours(const json::value& value, UnlockToken& out) {
  // First, for another version may have other members.
  ATTESTD_TRY(const JsonMembers any, JsonMembers::of(value, "attestd"));
  ATTESTD_TRY(const std::uint64_t version, any.unsigned_integer("version", UINT32_MAX));
  if (version != token_version) {
    return fail(Errc::unsupported, "the attestd token has version " + std::to_string(version) + ", we read version 1");
  }
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, "attestd", {"version", "method", "resource", "generation", "vtpm"}));
  ATTESTD_TRY(const std::string method, members.string("method"));
  if (method != "broker" && method != "vtpm") {
    return fail(Errc::unsupported, "attestd.method is neither broker nor vtpm");
  }
  out.method = method == "broker" ? UnlockMethod::broker : UnlockMethod::vtpm;
  ATTESTD_TRY(out.generation, members.unsigned_integer("generation", most_generations));
  if (out.method == UnlockMethod::broker) {
    if (members.find("vtpm") != nullptr) {
      return fail(Errc::malformed, "attestd.vtpm is there with method broker, which takes none");
    }
    ATTESTD_TRY(out.resource, members.string("resource"));
    return check_resource(out.resource);
  }
  if (members.find("resource") != nullptr) {
    return fail(Errc::malformed, "attestd.resource is there with method vtpm, which takes none");
  }
  ATTESTD_TRY(const json::value* const vtpm, members.member("vtpm"));
  ATTESTD_TRY(out.vtpm, read_vtpm_binding(*vtpm));
  return {};
}

// A member for people: its text, or nothing.
std::string shown(const JsonMembers& members, std::string_view name) {
  const auto text = members.string(name);
  return text ? printable_ascii(std::string_view(*text).substr(0, shown_limit)) : std::string();
}

// systemd 252, src/shared/tpm2-util.c, tpm2_make_luks2_json().
std::string describe_systemd_tpm2(const JsonMembers& members) {
  std::vector<std::string> pcrs;
  if (const auto listed = members.array("tpm2-pcrs", 24)) {
    for (const json::value& pcr : **listed) pcrs.push_back(printable_ascii(json::serialize(pcr)));
  }
  std::string out = "sealed to the TPM";
  out += pcrs.empty() ? ", bound to no PCR" : ", PCRs " + joined(pcrs, " ");
  if (const std::string bank = shown(members, "tpm2-pcr-bank"); !bank.empty()) out += " (" + bank + ")";
  if (const auto pin = members.boolean("tpm2-pin"); pin && *pin) out += ", with a PIN";
  if (members.find("tpm2_pubkey") != nullptr) out += ", signed PCR policy";
  return out;
}

std::string describe_known(const Token& token, const JsonMembers& members) {
  if (token.type == "systemd-tpm2") return describe_systemd_tpm2(members);
  if (token.type == "systemd-fido2") return "a FIDO2 device, relying party \"" + shown(members, "fido2-rp") + "\"";
  if (token.type == "systemd-pkcs11") return "a PKCS#11 device, \"" + shown(members, "pkcs11-uri") + "\"";
  if (token.type == "systemd-recovery") return "a recovery key, typed by a person";
  if (token.type == "luks2-keyring") return "the kernel's keyring, \"" + shown(members, "key_description") + "\"";
  return "not known to us";
}

}  // namespace

std::string_view to_string(UnlockMethod method) { return method == UnlockMethod::broker ? "broker" : "vtpm"; }

Result<UnlockToken> parse_unlock_token(std::string_view text) {
  if (text.size() > token_limit) return fail(Errc::out_of_range, "an attestd token has at most 4096 bytes");
  ATTESTD_TRY(const json::value value, parse_text(text));
  ATTESTD_TRY(const JsonMembers top, object_of(value, "the token", {"type", "keyslots", unlock_token_type}));
  ATTESTD_TRY(const std::string type, top.string("type"));
  if (type != unlock_token_type) return fail(Errc::malformed, "the token is of another type than attestd");
  UnlockToken out;
  ATTESTD_TRY(out.keyslots, references(top, "keyslots"));
  ATTESTD_TRY(const json::value* const ours, top.member(unlock_token_type));
  ATTESTD_CHECK(read_ours(*ours, out));
  return out;
}

Result<std::string> encode_unlock_token(const UnlockToken& token) {
  json::array keyslots;
  for (const unsigned id : token.keyslots) keyslots.emplace_back(std::to_string(id));
  json::object ours = {{"version", token_version}, {"method", json::string_view(to_string(token.method))}};
  if (!token.resource.empty()) ours["resource"] = token.resource;
  ours["generation"] = token.generation;
  if (token.vtpm) ours["vtpm"] = vtpm_binding_json(*token.vtpm);
  const json::object whole = {
      {"type", json::string_view(unlock_token_type)}, {"keyslots", keyslots}, {"attestd", ours}};
  std::string out = json::serialize(whole);
  ATTESTD_CHECK(parse_unlock_token(out));
  return out;
}

std::string describe_token(const Token& token) {
  const std::string type = printable_ascii(token.type) + ": ";
  if (token.type == unlock_token_type) {
    const auto ours = parse_unlock_token(token.json);
    if (!ours) return type + "malformed";
    const std::string generation = ", generation " + std::to_string(ours->generation);
    return type + (ours->method == UnlockMethod::broker ? "the broker's " + ours->resource : "the vTPM") + generation;
  }
  const auto value = parse_text(token.json);
  if (!value) return type + "malformed";
  const auto members = JsonMembers::of(*value, "token");
  return type + (members ? describe_known(token, *members) : "malformed");
}

std::string printable_ascii(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else {
      out += "\\x" + to_hex(as_bytes({&c, 1}));
    }
  }
  return out;
}

}  // namespace attestd::luks
