#include "evidence/nsm_message.h"

#include <array>
#include <string>
#include <utility>

#include "evidence/cbor.h"

namespace attestd {
namespace {

using Kind = CborValue::Kind;

constexpr std::string_view attestation = "Attestation";
constexpr std::size_t code_limit = 64;

// The value of the only member, if it is named so.
const CborValue* variant(const CborValue& message, std::string_view name) {
  return message.kind == Kind::map && message.members.size() == 1 ? message.find(name) : nullptr;
}

}  // namespace

Bytes encode_nsm_request(const NsmAttestationRequest& request) {
  const std::array<std::pair<std::string_view, const std::optional<Bytes>&>, 3> members{
      {{"user_data", request.user_data}, {"nonce", request.nonce}, {"public_key", request.public_key}}};
  CborWriter out;
  out.map(1).text(attestation).map(members.size());
  for (const auto& [name, value] : members) {
    out.text(name).bytes_or_null(value);
  }
  return out.take();
}

Result<NsmAttestationRequest> parse_nsm_request(ByteView bytes) {
  ATTESTD_TRY(const CborValue message, parse_cbor_prefix(bytes));
  const CborValue* const members = variant(message, attestation);
  if (members == nullptr || members->kind != Kind::map) return fail(Errc::malformed, "no attestation request");
  NsmAttestationRequest out;
  const std::array<std::pair<std::string_view, std::optional<Bytes>*>, 3> wanted{
      {{"user_data", &out.user_data}, {"nonce", &out.nonce}, {"public_key", &out.public_key}}};
  for (const auto& [name, field] : wanted) {
    const CborValue* const value = members->find(name);
    if (value == nullptr || value->is_null()) continue;
    if (value->kind != Kind::bytes) {
      return fail(Errc::malformed, "attestation request: " + std::string(name) + " is not a byte string");
    }
    *field = to_bytes(value->string);
  }
  return out;
}

Result<Bytes> parse_nsm_response(ByteView bytes) {
  ATTESTD_TRY(const CborValue message, parse_cbor_prefix(bytes));
  if (const CborValue* const error = variant(message, "Error")) {
    std::string code = "an error without a name";
    // Names of the module's errors have letters only; nothing else is repeated.
    if (error->kind == Kind::text && error->string.size() <= code_limit &&
        as_text(error->string).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
            std::string_view::npos) {
      code = as_text(error->string);
    }
    return fail(Errc::refused, "the Nitro Security Module answered " + code);
  }
  const CborValue* const members = variant(message, attestation);
  const CborValue* const document = members != nullptr ? members->find("document") : nullptr;
  if (document == nullptr || document->kind != Kind::bytes || document->string.empty()) {
    return fail(Errc::malformed, "the Nitro Security Module answered without a document");
  }
  return to_bytes(document->string);
}

Bytes encode_nsm_response(ByteView document) {
  return CborWriter().map(1).text(attestation).map(1).text("document").bytes(document).take();
}

Bytes encode_nsm_error(std::string_view code) { return CborWriter().map(1).text("Error").text(code).take(); }

}  // namespace attestd
