#include "broker/rotation.h"

#include <algorithm>
#include <span>

#include "broker/request_json_internal.h"
#include "evidence/digest.h"

namespace attestd::broker {
namespace {

// No text of JSON begins so: what is digested here is no token that anybody can send.
constexpr std::string_view rotation_domain =
    "\xff"
    "attestd rotation token 1\n";

Sha256Digest sha256(std::initializer_list<ByteView> parts) {
  Sha256Digest out{};
  std::ranges::copy(digest(HashAlgorithm::sha256, parts), out.begin());
  return out;
}

}  // namespace

Result<RotationRequest> parse_rotation_request(std::string_view body) {
  ATTESTD_TRY(boost::json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers request, request_members(document, {"resource", "token", "key"}));
  RotationRequest out;
  ATTESTD_TRY(out.resource, requested_resource(request));
  ATTESTD_TRY(out.token, requested_token(request));
  auto key = request.bytes("key", rotation_key_min_size, rotation_key_max_size);
  if (auto* const text = document.as_object()["key"].if_string()) {
    wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
  }
  if (!key) return std::unexpected(std::move(key).error());
  auto kept = SecretBytes::copy_of(*key);
  wipe(*key);
  if (!kept) return std::unexpected(std::move(kept).error());
  out.key = *std::move(kept);
  return out;
}

Sha256Digest enrolment_token_digest(std::string_view token) { return sha256({as_bytes(token)}); }
Sha256Digest rotation_token_digest(std::string_view token) {
  return sha256({as_bytes(rotation_domain), as_bytes(token)});
}

}  // namespace attestd::broker
