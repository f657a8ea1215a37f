#include "agent/evidence_request.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "evidence/channel_json_internal.h"
#include "evidence/unlock_json_internal.h"

namespace attestd::agent {
namespace {

using Refusal = std::unexpected<Problem>;

std::expected<Bytes, Problem> parse_nonce(const JsonMembers& members) {
  if (members.find("nonce") == nullptr) {
    return refuse(problems::nonce_missing, R"(the request needs a "nonce": base64url of 8 to 64 random bytes)");
  }
  const auto text = members.string("nonce");
  if (!text) return refuse(problems::nonce_malformed, text.error().text());
  auto nonce = from_base64url(*text);
  if (!nonce)
    return refuse(problems::nonce_malformed, "the nonce is not base64url without padding: " + nonce.error().text());
  const std::string size = "the nonce has " + std::to_string(nonce->size()) + " bytes; ";
  if (nonce->size() < nonce_min_size) return refuse(problems::nonce_too_short, size + "send at least 8");
  if (nonce->size() > nonce_max_size) return refuse(problems::nonce_too_long, size + "send at most 64");
  return *std::move(nonce);
}

std::expected<Bytes, Problem> parse_workload(const JsonMembers& members) {
  const auto text = members.string("workload");
  if (!text) return refuse(problems::workload_malformed, text.error().text());
  auto workload = from_base64url(*text);
  if (!workload) {
    return refuse(problems::workload_malformed,
                  "the workload is not base64url without padding: " + workload.error().text());
  }
  if (workload->size() > workload_max_size) {
    return refuse(problems::workload_malformed, "the workload has " + std::to_string(workload->size()) +
                                                    " bytes; send at most " + std::to_string(workload_max_size));
  }
  return *std::move(workload);
}

std::expected<Bytes, Problem> parse_activation_part(const JsonMembers& members, std::string_view name) {
  auto bytes = members.bytes(name, 1, activation_part_limit);
  if (!bytes) return refuse(problems::activation_malformed, bytes.error().text());
  return *std::move(bytes);
}

std::expected<Activation, Problem> parse_activation(const boost::json::value& value) {
  const auto members = JsonMembers::of(value, "activation");
  if (!members) return refuse(problems::activation_malformed, "\"activation\" must be an object");
  if (value.get_object().size() != 2) {
    return refuse(problems::activation_malformed, R"("activation" has "credential_blob" and "secret", and no more)");
  }
  Activation out;
  auto blob = parse_activation_part(*members, "credential_blob");
  if (!blob) return Refusal(std::move(blob).error());
  out.credential_blob = *std::move(blob);
  auto secret = parse_activation_part(*members, "secret");
  if (!secret) return Refusal(std::move(secret).error());
  out.secret = *std::move(secret);
  return out;
}

std::expected<StatementChannel, Problem> parse_channel(const boost::json::value& value) {
  const auto members = JsonMembers::of(value, "channel");
  if (!members) return refuse(problems::channel_malformed, R"("channel" must be an object)");
  auto channel = decode_channel(*members);
  if (!channel) return refuse(problems::channel_malformed, channel.error().text());
  if (value.get_object().size() != (channel->tls_exporter.empty() ? 1U : 2U)) {
    return refuse(problems::channel_malformed, R"("channel" has "tls_spki_sha256" and "tls_exporter", and no more)");
  }
  return *std::move(channel);
}

std::expected<UnlockClaim, Problem> parse_unlock(const boost::json::value& value) {
  const auto members = JsonMembers::of(value, "unlock");
  if (!members) return refuse(problems::unlock_malformed, R"("unlock" must be an object)");
  auto claim = decode_unlock(*members);
  if (!claim) return refuse(problems::unlock_malformed, claim.error().text());
  const auto& object = value.get_object();
  const bool known = object.size() == (claim->volume ? 2U : 1U);
  if (!known || (claim->volume && object.at("volume").get_object().size() != (claim->volume->counter ? 3U : 2U))) {
    return refuse(problems::unlock_malformed,
                  R"("unlock" has "jkt" and "volume", which has "uuid", "header_sha256" and "counter", and no more)");
  }
  return *std::move(claim);
}

bool is_known(std::string_view member) {
  constexpr std::array<std::string_view, 6> known{"nonce", "purpose", "workload", "activation", "channel", "unlock"};
  return std::ranges::find(known, member) != known.end();
}

}  // namespace

std::expected<EvidenceRequest, Problem> parse_evidence_request(std::string_view json) {
  const auto value = parse_json(json);
  if (!value) return refuse(problems::malformed_json, "the body is not JSON: " + value.error().text());
  const auto members = JsonMembers::of(*value, "request");
  if (!members) return refuse(problems::malformed_request, "the body must be a JSON object");
  for (const auto& member : value->get_object()) {
    const std::string_view name = member.key();
    if (!is_known(name)) {
      return refuse(problems::malformed_request,
                    "the request has a member that attestd does not know: \"" + std::string(name.substr(0, 64)) + "\"");
    }
  }
  EvidenceRequest request;
  auto nonce = parse_nonce(*members);
  if (!nonce) return Refusal(std::move(nonce).error());
  request.nonce = *std::move(nonce);
  if (members->find("purpose") != nullptr) {
    const auto name = members->string("purpose");
    const auto purpose = name ? purpose_from_name(*name) : std::nullopt;
    if (!purpose)
      return refuse(problems::unknown_purpose, R"("purpose" is one of "host", "monitor", "unlock", "workload")");
    request.purpose = *purpose;
  }
  const bool given = members->find("workload") != nullptr;
  if (given != (request.purpose == Purpose::workload)) {
    return refuse(problems::workload_malformed, R"("workload" goes with the purpose "workload", and with no other)");
  }
  if (given) {
    auto workload = parse_workload(*members);
    if (!workload) return Refusal(std::move(workload).error());
    request.workload = *std::move(workload);
  }
  if (const auto* const given_activation = members->find("activation")) {
    auto activation = parse_activation(*given_activation);
    if (!activation) return Refusal(std::move(activation).error());
    request.activation = *std::move(activation);
  }
  if (const auto* const given_channel = members->find("channel")) {
    auto channel = parse_channel(*given_channel);
    if (!channel) return Refusal(std::move(channel).error());
    request.channel = *std::move(channel);
  }
  if (const auto* const given_unlock = members->find("unlock")) {
    if (request.purpose != Purpose::unlock) {
      return refuse(problems::unlock_malformed, R"("unlock" goes with the purpose "unlock", and with no other)");
    }
    auto unlock = parse_unlock(*given_unlock);
    if (!unlock) return Refusal(std::move(unlock).error());
    request.unlock = *std::move(unlock);
  }
  return request;
}

std::expected<void, Problem> permit(const EvidenceRequest& request, bool front_end) {
  if (request.purpose == Purpose::unlock && (!request.peer || request.peer->uid != 0)) {
    return refuse(problems::not_permitted, "the purpose \"unlock\" is for uid 0 on the local socket");
  }
  if (request.channel && !front_end) {
    return refuse(problems::not_permitted,
                  "only attestd-gateway may name a TLS channel (attestd.toml: api.channel-group)");
  }
  return {};
}

}  // namespace attestd::agent
