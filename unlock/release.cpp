#include "unlock/release.h"

#include <algorithm>

#include "base/text.h"
#include "jose/jwe.h"
#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"

namespace attestd::unlock {
namespace {

constexpr std::size_t small_answer = std::size_t{64} << 10U;  // bytes
constexpr std::size_t detail_limit = 600;                     // bytes of a server's sentence that are shown
constexpr long status_ok = 200;

// One conversation: its cookies go back as they came.
class Session {
 public:
  Session(const ReleaseRequest& request, const Fetch& fetch) : request_(request), fetch_(fetch) {}

  // `body` empty: GET.
  Result<std::string> ask(std::string_view path, std::string body, std::size_t limit) {
    FetchRequest asked;
    asked.url = request_.url + std::string(path);
    asked.peer = request_.url;
    asked.ca_file = request_.ca_file;
    asked.user_agent = "attestd-unlock";
    asked.body = std::move(body);
    asked.content_type = "application/json";
    asked.limit = limit;
    asked.timeout = request_.timeout;
    if (!cookie_.empty()) asked.headers.push_back("Cookie: " + std::string(kbs::session_cookie) + "=" + cookie_);
    ATTESTD_TRY(FetchResponse answer, fetch_(asked));
    keep_cookie(answer);
    if (answer.status == status_ok) return std::move(answer.body);
    return std::unexpected(refusal(answer));
  }

 private:
  void keep_cookie(const FetchResponse& answer) {
    const std::string prefix = std::string(kbs::session_cookie) + "=";
    for (const auto& [name, value] : answer.headers) {
      if (name == "set-cookie" && value.starts_with(prefix)) {
        cookie_ = trimmed(std::string_view(value).substr(prefix.size(), value.find(';') - prefix.size()));
      }
    }
  }

  [[nodiscard]] Error refusal(const FetchResponse& answer) const {
    const std::string status = " (HTTP status " + std::to_string(answer.status) + ")";
    const auto information = kbs::parse_error(answer.body);
    if (!information) {
      auto error = require_ok(answer, request_.url);
      return error
                 ? Error{Errc::malformed, request_.url + " answers with something else than the KBS protocol" + status,
                         std::nullopt, 0}
                 : std::move(error).error();
    }
    // What its policy denies it will deny again; all else may be a matter of time, as an expired challenge is.
    const bool denied = information->name == kbs::error_name(kbs::ErrorKind::policy_deny);
    return {denied ? Errc::refused : Errc::unavailable,
            request_.url + " does not release " + request_.resource + ": " +
                information->detail.substr(0, detail_limit) + status,
            std::nullopt, 0};
  }

  const ReleaseRequest& request_;
  const Fetch& fetch_;
  std::string cookie_;
};

Result<std::string> trustee_evidence(const Attester& attester, const kbs::Challenge& challenge,
                                     const kbs::Attestation& attestation) {
  const std::string data = kbs::encode_runtime_data(kbs::ProtocolVersion::v0_4_0, challenge.nonce, attestation);
  const HashAlgorithm hash = challenge.hash_algorithm.value_or(HashAlgorithm::sha384);
  ATTESTD_TRY(const Bundle report, attester.raw_report(kbs::bind_runtime_data(attester.tee, hash, data).report_data));
  return kbs::encode_trustee_evidence(attester.tee, report);
}

kbs::TeePublicKey public_key(const PublicJwk& key) {
  return {.kind = kbs::TeePublicKey::Kind::ec, .algorithm = key.alg, .curve = "P-256", .x = key.x, .y = key.y};
}

}  // namespace

bool may_pass(const Error& error) {
  switch (error.code) {
    case Errc::refused:
    case Errc::usage:
    case Errc::key_wiped:
    case Errc::unsupported: return false;
    default: return true;
  }
}

Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester, const Fetch& fetch) {
  ATTESTD_TRY(const DecryptionKey key, DecryptionKey::make());
  Session session(request, fetch);
  kbs::Request begin{.version = kbs::ProtocolVersion::v0_4_0, .tee = attester.tee};
  begin.hash_algorithms = {HashAlgorithm::sha384};
  begin.policy_selector = request.policy;
  ATTESTD_TRY(const std::string challenged, session.ask("/kbs/v0/auth", kbs::encode_request(begin), small_answer));
  const auto parsed = kbs::parse_challenge(challenged);
  if (!parsed) return std::unexpected(Error(parsed.error()).in(request.url));
  const kbs::Challenge& challenge = *parsed;

  kbs::Attestation attestation;
  attestation.nonce = challenge.nonce;
  attestation.key = public_key(key.public_jwk());
  if (request.trustee) {
    ATTESTD_TRY(attestation.primary_evidence, trustee_evidence(attester, challenge, attestation));
  } else {
    const UnlockClaim claim{to_bytes(ByteView(key.public_jwk().thumbprint())), request.volume};
    ATTESTD_TRY(attestation.primary_evidence, attester.bundle(to_bytes(ByteView(challenge.nonce)), claim));
  }
  const std::string body = kbs::encode_attestation(attestation, kbs::ProtocolVersion::v0_4_0);
  ATTESTD_TRY(const std::string attested, session.ask("/kbs/v0/attest", body, small_answer));
  if (auto token = kbs::parse_token(attested); !token) {
    return std::unexpected(std::move(token).error().in(request.url));
  }
  ATTESTD_TRY(const std::string released, session.ask("/kbs/v0/resource/" + request.resource, {}, jwe_max_size));
  auto secret = decrypt_jwe(released, key);
  if (!secret) return std::unexpected(std::move(secret).error().in("what " + request.url + " released"));
  if (secret->empty()) return fail(Errc::malformed, request.url + " released an empty secret");
  return secret;
}

}  // namespace attestd::unlock
