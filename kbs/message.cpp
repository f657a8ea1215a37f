#include "kbs/message.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "base/encoding.h"
#include "evidence/json_strict.h"
#include "kbs/json_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::string_view policy_selector = "attestation-policy-selector";
constexpr std::size_t selector_limit = 64;
constexpr std::string_view supported_hashes = "supported-hash-algorithms";
constexpr std::string_view selected_hash = "selected-hash-algorithm";
constexpr std::size_t hash_limit = 32;
constexpr std::size_t token_max_size = std::size_t{64} << 10U;
constexpr std::string_view error_prefix = "https://github.com/confidential-containers/kbs/errors/";

// In our order of preference.
constexpr std::array hashes{HashAlgorithm::sha384, HashAlgorithm::sha512, HashAlgorithm::sha256};

// "extra-params": an object, or the empty string where there are none.
Result<const json::value*> extra_params(const JsonMembers& members) {
  ATTESTD_TRY(const json::value* const value, members.member("extra-params"));
  if (value->is_object()) return value;
  if (value->is_string() && value->get_string().empty()) return nullptr;
  return fail(Errc::malformed, members.place("extra-params") + " is neither an object nor an empty string");
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::optional<HashAlgorithm> known_hash(const std::string& name) {
  const auto found = hash_from_name(lower(name));
  return found && std::ranges::find(hashes, *found) != hashes.end() ? found : std::nullopt;
}

}  // namespace

Result<json::value> parse_message(std::string_view text, std::string_view place) {
  if (text.size() > message_max_size) return fail(Errc::out_of_range, std::string(place) + " is larger than 2 MiB");
  auto document = parse_json(text);
  if (!document) return std::unexpected(std::move(document).error().in(place));
  return document;
}

Result<Request> parse_request(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_message(text, "request"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "request"));
  Request out;
  ATTESTD_TRY(const std::string version, members.string("version"));
  ATTESTD_TRY(out.version, version_from_name(version));
  ATTESTD_TRY(const std::string tee, members.string("tee"));
  const auto known = tee_from_name(tee);
  if (!known) return fail(Errc::malformed, members.place("tee") + " is not a TEE of the protocol");
  out.tee = *known;
  ATTESTD_TRY(const json::value* const extra, extra_params(members));
  if (extra == nullptr) return out;
  ATTESTD_TRY(const JsonMembers parameters, JsonMembers::of(*extra, members.place("extra-params")));
  ATTESTD_TRY(out.policy_selector, parameters.optional_string(policy_selector));
  if (out.policy_selector.size() > selector_limit) {
    return fail(Errc::out_of_range, parameters.place(policy_selector) + " has over 64 bytes");
  }
  if (parameters.find(supported_hashes) == nullptr) return out;
  ATTESTD_TRY(const std::vector<std::string> offered, parameters.strings(supported_hashes, hash_limit));
  out.hash_algorithms.emplace();
  for (const std::string& name : offered) {
    if (const auto hash = known_hash(name)) out.hash_algorithms->push_back(*hash);
  }
  return out;
}

std::string encode_request(const Request& request) {
  json::object out{{"version", version_name(request.version)}, {"tee", tee_name(request.tee, request.version)}};
  json::object extra;
  if (!request.policy_selector.empty()) extra[policy_selector] = request.policy_selector;
  if (request.hash_algorithms) {
    json::array names;
    for (const HashAlgorithm hash : *request.hash_algorithms) names.emplace_back(hash_name(hash));
    extra[supported_hashes] = std::move(names);
  }
  out["extra-params"] = extra.empty() ? json::value("") : json::value(std::move(extra));
  return json::serialize(out);
}

Result<HashAlgorithm> choose_hash(const Request& request) {
  if (!request.hash_algorithms) return HashAlgorithm::sha384;
  for (const HashAlgorithm hash : hashes) {
    if (std::ranges::find(*request.hash_algorithms, hash) != request.hash_algorithms->end()) return hash;
  }
  return fail(Errc::unsupported, "the client supports none of sha384, sha512 and sha256");
}

std::string nonce_text(const FixedBytes<nonce_size>& nonce) { return to_base64(nonce); }

Result<FixedBytes<nonce_size>> nonce_member(const JsonMembers& members) {
  ATTESTD_TRY(const std::string text, members.string("nonce"));
  auto bytes = from_base64(text);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place("nonce")));
  FixedBytes<nonce_size> out{};
  // The text is what is hashed: from_base64() takes one text only for these bytes.
  if (bytes->size() != out.size()) {
    return fail(Errc::malformed, members.place("nonce") + " is not the base64 text of 32 bytes");
  }
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<Challenge> parse_challenge(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_message(text, "challenge"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "challenge"));
  Challenge out;
  ATTESTD_TRY(out.nonce, nonce_member(members));
  ATTESTD_TRY(const json::value* const extra, extra_params(members));
  if (extra == nullptr) return out;
  ATTESTD_TRY(const JsonMembers parameters, JsonMembers::of(*extra, members.place("extra-params")));
  if (parameters.find(selected_hash) == nullptr) return out;
  ATTESTD_TRY(const std::string name, parameters.string(selected_hash));
  out.hash_algorithm = known_hash(name);
  if (!out.hash_algorithm) return fail(Errc::unsupported, parameters.place(selected_hash) + " is not one that we have");
  return out;
}

std::string encode_challenge(const Challenge& challenge) {
  json::object out{{"nonce", nonce_text(challenge.nonce)}};
  if (challenge.hash_algorithm) {
    out["extra-params"] = json::object{{selected_hash, hash_name(*challenge.hash_algorithm)}};
  } else {
    out["extra-params"] = "";
  }
  return json::serialize(out);
}

std::string encode_token(std::string_view token) { return json::serialize(json::object{{"token", token}}); }

Result<std::string> parse_token(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_message(text, "answer"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "answer"));
  ATTESTD_TRY(std::string token, members.string("token"));
  if (token.empty() || token.size() > token_max_size) {
    return fail(Errc::out_of_range, members.place("token") + " is empty or larger than 64 KiB");
  }
  return token;
}

std::string encode_error(ErrorKind kind, std::string_view detail) {
  return json::serialize(json::object{{"type", std::string(error_prefix) + std::string(error_name(kind))},
                                      {"detail", to_valid_utf8(detail)}});
}

Result<ErrorInformation> parse_error(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_message(text, "error"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "error"));
  ErrorInformation out;
  ATTESTD_TRY(const std::string type, members.string("type"));
  if (!type.starts_with(error_prefix)) return fail(Errc::malformed, members.place("type") + " is not one of a KBS");
  out.name = type.substr(error_prefix.size());
  ATTESTD_TRY(out.detail, members.string("detail"));
  return out;
}

}  // namespace attestd::kbs
