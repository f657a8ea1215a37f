#include <algorithm>

#include "base/encoding.h"
#include "evidence/dcap_collateral.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace {

constexpr std::string_view white_space = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) + 1 - first);
}

// The end of the JSON string that begins at `at`: behind its closing quote.
// The text was checked to be JSON, so it is there.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

// Where the value ends that begins at `at`: at the comma or brace behind it.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = end_of_string(json, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}')) break;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  }
  return at;
}

struct Member {
  std::string_view name;  // with its quotes, as written
  std::string_view value;
};

// The members of the outermost object, as they are written.
Result<std::vector<Member>> split_members(std::string_view json) {
  ATTESTD_CHECK(check_json(json));
  std::size_t at = json.find_first_not_of(white_space);
  if (at == std::string_view::npos || json[at] != '{') return fail(Errc::malformed, "collateral is no JSON object");
  std::vector<Member> out;
  for (++at; at < json.size(); ++at) {
    at = json.find_first_of("\"}", at);
    if (at == std::string_view::npos || json[at] == '}') break;
    const std::size_t name_end = end_of_string(json, at);
    const std::size_t colon = json.find(':', name_end);
    if (colon == std::string_view::npos) break;
    const std::size_t value_end = end_of_value(json, colon + 1);
    out.push_back({json.substr(at, name_end - at), trimmed(json.substr(colon + 1, value_end - colon - 1))});
    at = value_end;
    if (at < json.size() && json[at] == '}') break;
  }
  return out;
}

}  // namespace

Result<SignedDcapJson> parse_signed_dcap_json(std::string_view json) {
  if (json.size() > dcap_json_max_size) return fail(Errc::out_of_range, "collateral is over the limit of 256 KiB");
  ATTESTD_TRY(const std::vector<Member> members, split_members(json));
  const auto find = [&members](std::string_view name) { return std::ranges::find(members, name, &Member::name); };
  const auto tcb_info = find("\"tcbInfo\"");
  const auto identity = find("\"enclaveIdentity\"");
  const auto signature = find("\"signature\"");
  if ((tcb_info == members.end()) == (identity == members.end()) || signature == members.end()) {
    return fail(Errc::malformed, "collateral has not one of tcbInfo and enclaveIdentity, and a signature");
  }
  SignedDcapJson out;
  out.kind = tcb_info == members.end() ? DcapKind::enclave_identity : DcapKind::tcb_info;
  out.body = out.kind == DcapKind::tcb_info ? tcb_info->value : identity->value;
  std::string_view digits = signature->value;
  if (digits.size() < 2 || digits.front() != '"') return fail(Errc::malformed, "collateral's signature is no string");
  digits = digits.substr(1, digits.size() - 2);
  const auto bytes = from_hex(digits);
  // In one way only, so that no other text means the same.
  if (!bytes || bytes->size() != out.signature.size() || to_hex(*bytes) != digits) {
    return fail(Errc::malformed, "collateral's signature is not 64 bytes in lower-case hexadecimal");
  }
  std::ranges::copy(*bytes, out.signature.begin());
  return out;
}

}  // namespace attestd
