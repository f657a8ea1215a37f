// The KBS protocol of Trustee: Request, Challenge, Attestation, Response.
#include <algorithm>

#include "base/encoding.h"
#include "broker/http_headers.h"
#include "broker/service.h"
#include "broker/service_internal.h"
#include "evidence/digest.h"
#include "jose/jwe.h"
#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"

namespace attestd::broker {
namespace {

constexpr std::size_t policies_limit = 64;  // that evidence is judged by at once
constexpr std::size_t detail_limit = 2000;  // bytes of a refusal
constexpr std::string_view protocol_prefix = "kbs ";

Reply error_reply(kbs::ErrorKind kind, std::string_view detail) {
  Reply out;
  out.status = static_cast<unsigned>(kbs::error_status(kind));
  out.body = kbs::encode_error(kind, detail.substr(0, detail_limit));
  return out;
}

// What the protocol calls an error of ours.
kbs::ErrorKind kind_of(const Error& error) {
  switch (error.code) {
    case Errc::not_found: return kbs::ErrorKind::invalid_request_path;
    case Errc::refused: return kbs::ErrorKind::policy_deny;
    case Errc::crypto:
    case Errc::unsupported: return kbs::ErrorKind::jwe;
    default: return kbs::ErrorKind::plugin_internal;
  }
}

std::string session_header(std::string_view value, std::int64_t lifetime_s) {
  return "Set-Cookie: " + std::string(kbs::session_cookie) + "=" + std::string(value) +
         "; Path=/; Max-Age=" + std::to_string(lifetime_s) + "; HttpOnly; Secure; SameSite=Strict\r\n";
}

// Which of the two forms it is. Each is judged by its own binding, whatever else it has in it.
bool is_bundle(std::string_view evidence) { return evidence.find("\"__cmwc_t\"") != std::string_view::npos; }

FixedBytes<challenge_nonce_size> id_of(const Challenge& challenge) {
  FixedBytes<challenge_nonce_size> out{};
  std::ranges::copy(challenge.nonce, out.begin());
  return out;
}

std::unexpected<Error> answered_before() {
  return fail(Errc::changed, "the challenge was answered before: begin again");
}

struct Presented {
  Bundle bundle;
  AppraisalContext context;
  PublicJwk key;
};

// Evidence, what binds it to the challenge, and the key that it is to bind.
Result<Presented> present(const std::string& body, const Challenge& challenge) {
  ATTESTD_TRY(const auto version, kbs::version_from_name(challenge.protocol.substr(protocol_prefix.size())));
  ATTESTD_TRY(const kbs::Attestation attestation, kbs::parse_attestation(body, version));
  FixedBytes<kbs::nonce_size> nonce{};
  std::ranges::copy(challenge.nonce, nonce.begin());
  if (attestation.nonce && !constant_time_equal(*attestation.nonce, nonce)) {
    return fail(Errc::refused, "the runtime data have another nonce than the challenge");
  }
  Presented out;
  auto key = parse_jwk(kbs::encode_tee_public_key(attestation.key));
  // Whatever is wrong with it, the guest sent it.
  if (!key) return fail(Errc::malformed, key.error().text());
  out.key = *std::move(key);
  if (is_bundle(attestation.primary_evidence)) {
    ATTESTD_TRY(out.bundle, parse_bundle(attestation.primary_evidence));
    out.context.nonce = challenge.nonce;
    out.context.purpose = Purpose::unlock;
    out.context.recipient_key = to_bytes(ByteView(out.key.thumbprint()));
    return out;
  }
  const auto tee = kbs::tee_from_name(challenge.tee);
  if (!tee) return fail(Errc::unsupported, "the challenge is for an unknown TEE");
  ATTESTD_TRY(kbs::TrusteeEvidence evidence, kbs::parse_trustee_evidence(*tee, attestation.primary_evidence));
  out.bundle = std::move(evidence.bundle);
  const HashAlgorithm hash = hash_from_name(challenge.hash).value_or(HashAlgorithm::sha384);
  const kbs::Binding binding =
      kbs::bind_runtime_data(*tee, hash, kbs::encode_runtime_data(version, nonce, attestation));
  out.context.report_data = binding.report_data;
  out.context.qualifying_data = binding.qualifying_data;
  return out;
}

}  // namespace

Reply Service::kbs_auth(const Request& request) {
  const auto parsed = kbs::parse_request(request.body);
  if (!parsed) return error_reply(kbs::ErrorKind::attestation, parsed.error().text());
  if (!kbs::answers_in_jwe(parsed->version)) {
    return error_reply(kbs::ErrorKind::attestation,
                       "KBS Client Protocol Version Mismatch: expect 0.2.0 or later, since what 0.1.1 encrypts is not "
                       "authenticated whole");
  }
  const std::int64_t now = clock_();
  const auto lifetime_s = std::chrono::duration_cast<std::chrono::seconds>(config_->challenge_lifetime).count();
  auto challenge = make_challenge(now + lifetime_s);
  if (!challenge) return failure(challenge.error());
  challenge->protocol = std::string(protocol_prefix) + std::string(kbs::version_name(parsed->version));
  challenge->tee = kbs::tee_name(parsed->tee);
  challenge->selector = parsed->policy_selector;
  kbs::Challenge answer;
  std::ranges::copy(challenge->nonce, answer.nonce.begin());
  if (parsed->hash_algorithms) {
    const auto hash = kbs::choose_hash(*parsed);
    if (!hash) return error_reply(kbs::ErrorKind::attestation, hash.error().text());
    answer.hash_algorithm = *hash;
    challenge->hash = hash_name(*hash);
  }
  const auto token = keys_.challenge.seal(*challenge);
  if (!token) return error_reply(kbs::ErrorKind::attestation, token.error().text());
  ++counters_.challenges;
  Reply out;
  out.body = kbs::encode_challenge(answer);
  out.headers = session_header(*token, lifetime_s);
  return out;
}

Reply Service::kbs_attest(const Request& request) {
  const auto token = attest(request);
  if (!token && is_our_failure(token.error())) return failure(token.error());
  if (!token) {
    const bool denied = token.error().code == Errc::refused;
    return error_reply(denied ? kbs::ErrorKind::policy_deny : kbs::ErrorKind::attestation, token.error().text());
  }
  Reply out;
  out.body = kbs::encode_token(*token);
  out.headers =
      session_header(*token, std::chrono::duration_cast<std::chrono::seconds>(config_->token_lifetime).count());
  return out;
}

Result<std::string> Service::attest(const Request& request) {
  const std::int64_t now = clock_();
  const std::string_view cookie = cookie_value(request.cookie, kbs::session_cookie);
  if (cookie.empty()) return fail(Errc::malformed, "cookie not found: ask for a challenge first");
  ATTESTD_TRY(const Challenge challenge, keys_.challenge.open(cookie, now));
  if (!challenge.protocol.starts_with(protocol_prefix))
    return fail(Errc::malformed, "the challenge is for another use");
  const Asker asker{request.address, challenge.protocol, challenge.tee, challenge.nonce,
                    digest(HashAlgorithm::sha256, {as_bytes(request.body)})};
  const auto policies = begin_judging(challenge);
  if (!policies) return unjudged(policies.error(), asker, now);
  auto presented = present(request.body, challenge);
  if (!presented) return unjudged(presented.error(), asker, now);
  presented->context.at = now;
  const Judgement judgement = judge_.judge(presented->bundle, presented->context, *policies);
  const bool trusted = judgement.trusted() != nullptr;
  std::optional<std::string> record = attest_record(now, asker, judgement.decisions);
  if (!trusted) record = rationed(asker.address, now, *std::move(record));
  if (const auto spent = spend(challenge, now, record); !spent) {
    if (!is_our_failure(spent.error())) return unjudged(spent.error(), asker, now);
    return failed(spent.error(), asker.address, now,
                  attest_record(now, asker, judgement.decisions, spent.error().text()));
  }
  ++(trusted ? counters_.trusted : counters_.refused);
  if (!trusted) return fail(Errc::refused, "no policy trusts this evidence: " + judgement.refusal());
  AttestationResult result{
      .challenge = challenge.nonce,
      .protocol = challenge.protocol,
      .tee = challenge.tee,
      .key = presented->key.json(),
      .policies = {},
      .volume = {},
      .evidence_sha256 = asker.evidence_sha256,
      .simulated = judgement.simulated,
      .issued_at = now,
      .expires_at = now + std::chrono::duration_cast<std::chrono::seconds>(config_->token_lifetime).count()};
  for (const PolicyDecision& one : judgement.decisions) {
    if (one.outcome != Outcome::trusted || result.policies.size() == results_limit) continue;
    result.policies.push_back({one.policy, one.version, one.answers});
  }
  if (judgement.statement && judgement.statement->unlock) result.volume = judgement.statement->unlock->volume;
  return sign_jwt(encode_claims(result, config_->name), keys_.token);
}

Result<std::vector<StoredPolicy>> Service::begin_judging(const Challenge& challenge) const {
  auto policies = read_from(*store_, [&](const StoreReader& reader) -> Result<std::vector<StoredPolicy>> {
    ATTESTD_CHECK(require_unspent(reader, challenge));
    if (!challenge.selector.empty()) {
      ATTESTD_TRY(StoredPolicy one, reader.policy(challenge.selector));
      return std::vector{std::move(one)};
    }
    ATTESTD_TRY(std::vector<StoredPolicy> all, reader.policies());
    if (all.size() > policies_limit) {
      return fail(Errc::usage,
                  "the broker has over 64 policies: name one as attestation-policy-selector in extra-params");
    }
    return all;
  });
  if (!policies) return std::unexpected(of_store(std::move(policies).error()));
  return policies;
}

Result<void> require_unspent(const StoreReader& reader, const Challenge& challenge) {
  ATTESTD_TRY(const bool spent, reader.challenge_spent(id_of(challenge)));
  if (spent) return answered_before();
  return {};
}

Result<void> Service::spend(const Challenge& challenge, std::int64_t at, const std::optional<std::string>& audit_body) {
  auto done = write_to(*store_, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(const bool first, transaction.spend_challenge({id_of(challenge), challenge.expires_at}));
    if (!first) return answered_before();
    if (audit_body) ATTESTD_CHECK(transaction.append_audit(at, *audit_body));
    return {};
  });
  if (!done) return std::unexpected(of_store(std::move(done).error()));
  return done;
}

Result<AttestationResult> Service::session(const Request& request) const {
  std::string_view token = bearer_token(request.authorization);
  if (token.empty()) token = cookie_value(request.cookie, kbs::session_cookie);
  if (token.empty()) return fail(Errc::permission, "there is no attestation token: attest first");
  const auto claims = verify_jwt(token, keys_.token.public_jwk());
  if (!claims) return fail(Errc::permission, "the attestation token is none of ours: attest first");
  ATTESTD_CHECK(check_jwt_times(*claims, clock_()));
  return parse_claims(*claims);
}

Reply Service::kbs_resource(const Request& request) {
  const auto resource = kbs::parse_resource_path(request.path);
  if (!resource) return error_reply(kbs::ErrorKind::invalid_request_path, resource.error().text());
  const std::string path = resource->repository + "/" + resource->type + "/" + resource->tag;
  auto released = release(path, request);
  if (!released) {
    const Errc code = released.error().code;
    if (code == Errc::permission) return error_reply(kbs::ErrorKind::token_not_found, released.error().text());
    if (code == Errc::expired) return error_reply(kbs::ErrorKind::token_verifier, released.error().text());
    if (is_our_failure(released.error())) return failure(released.error());
    return error_reply(kind_of(released.error()), released.error().text());
  }
  Reply out;
  out.body = *std::move(released);
  return out;
}

}  // namespace attestd::broker
