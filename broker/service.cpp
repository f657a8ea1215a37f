#include "broker/service.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <tuple>

#include "base/encoding.h"
#include "broker/request_json_internal.h"
#include "broker/rotation.h"
#include "broker/service_internal.h"
#include "broker/volume.h"
#include "daemon/journal.h"
#include "evidence/digest.h"
#include "jose/jwe.h"
#include "kbs/message.h"

namespace attestd::broker {
namespace json = boost::json;
namespace {

constexpr std::size_t generated_secret_size = 32;  // bytes: 256 bits, as LUKS2's keys have
constexpr std::size_t sha256_size = 32;
constexpr ProblemKind not_ready{"not-ready", "The broker can release nothing", 503};

Sha256Digest to_digest(const Bytes& bytes) {
  Sha256Digest out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

struct EnrolmentRequest {
  std::string path;
  std::string token;
};

Result<EnrolmentRequest> parse_enrolment(const std::string& body) {
  ATTESTD_TRY(const json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers members, request_members(document, {"resource", "token"}));
  EnrolmentRequest out;
  ATTESTD_TRY(out.path, requested_resource(members));
  ATTESTD_TRY(out.token, requested_token(members));
  return out;
}

struct HeaderAnnouncement {
  std::string path;
  Bytes next;  // SHA-256
};

Result<HeaderAnnouncement> parse_announcement(const std::string& body) {
  ATTESTD_TRY(const json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers members, request_members(document, {"resource", "next_header_sha256"}));
  HeaderAnnouncement out;
  ATTESTD_TRY(out.path, requested_resource(members));
  ATTESTD_TRY(out.next, members.bytes("next_header_sha256", sha256_size, sha256_size));
  return out;
}

}  // namespace

Asker asker_of(const Request& request, const AttestationResult& result) {
  return {request.address, result.protocol, result.tee, result.challenge, result.evidence_sha256};
}

Result<PolicyResult> find_policy(const StoreReader& reader, const std::string& name, const AttestationResult& result) {
  ATTESTD_TRY(const StoredPolicy policy, reader.policy(name));
  const auto it = std::ranges::find(result.policies, name, &PolicyResult::policy);
  if (it == result.policies.end()) {
    return fail(Errc::refused, "the evidence was not trusted by policy " + name +
                                   (result.policies.size() < results_limit
                                        ? ""
                                        : ", or by more than a token names: ask with attestation-policy-selector"));
  }
  if (it->version != policy.version) {
    return fail(Errc::refused, "policy " + name + " has changed since the attestation: attest again");
  }
  return *it;
}

Reply Service::failure(const Error& error) {
  ++counters_.failures;
  daemon::journal(daemon::Priority::error, daemon::events::failed, "a request failed: " + error.text());
  const bool busy = error.code == Errc::busy || error.code == Errc::unavailable || error.code == Errc::timed_out;
  const Problem problem{busy ? problems::overloaded : problems::internal, error.text(), {}};
  return {problem.kind.status, std::string(problem_media_type), problem_json(problem),
          busy ? "Retry-After: 1\r\n" : std::string()};
}

Result<void> Service::forget_challenges() {
  const std::int64_t now = clock_();
  ATTESTD_CHECK(write_to(*store_, [&](StoreTransaction& transaction) { return transaction.forget_challenges(now); }));
  return {};
}

Reply Service::health(const Request& /*request*/) {
  const auto head = read_from(*store_, [](const StoreReader& reader) { return reader.audit_head(); });
  if (!head) {
    ++counters_.failures;
    return {not_ready.status, std::string(problem_media_type), problem_json({not_ready, head.error().text(), {}}), {}};
  }
  Reply out;
  out.body = R"({"status":"ok"})";
  return out;
}

Result<void> Service::record_silent_refusals() {
  const std::int64_t now = clock_();
  for (RefusalLog* const log : {&attested_refusals_, &refusals_}) {
    const std::vector<UnrecordedRefusals> silent = log->take();
    if (silent.empty()) continue;
    auto done = store_->write([&](StoreTransaction& transaction) -> Result<void> {
      for (const UnrecordedRefusals& one : silent) {
        ATTESTD_CHECK(transaction.append_audit(now, refusals_record(now, one)));
      }
      return {};
    });
    if (!done) {
      log->put_back(silent);
      return done;
    }
  }
  return {};
}

std::optional<std::string> Service::rationed(const std::string& address, std::int64_t at, std::string record) {
  if (!refusals_.admit(address, at)) return std::nullopt;
  return record;
}

std::unexpected<Error> Service::unjudged(const Error& error, const Asker& asker, std::int64_t at) {
  if (is_our_failure(error)) return std::unexpected(error);
  if (const auto kept = rationed(asker.address, at, unjudged_record(at, asker, error.text()))) {
    if (auto done = store_->append_audit(at, *kept); !done) return std::unexpected(std::move(done).error());
  }
  return std::unexpected(error);
}

std::unexpected<Error> Service::failed(const Error& error, const std::string& address, std::int64_t at,
                                       std::string record) {
  // What ended it may end this as well; the journal has the error in any case.
  if (const auto kept = rationed(address, at, std::move(record))) std::ignore = store_->append_audit(at, *kept);
  return std::unexpected(error);
}

std::unexpected<Error> Service::refuse(const Error& error, const Asker& asker, std::int64_t at,
                                       ReleaseDecision& decision, const RecordOf& record) {
  const Error why = of_store(error);
  decision.reason = why.text();
  decision.failure = is_our_failure(why);
  std::string body = record(at, asker, decision);
  if (decision.failure) return failed(why, asker.address, at, std::move(body));
  if (attested_refusals_.admit(asker.address, at)) {
    if (auto done = store_->append_audit(at, body); !done) return std::unexpected(std::move(done).error());
  }
  return std::unexpected(why);
}

// Judged and counted in one transaction, which no other writes beside: what the decision rests on is what is released.
// A refusal is recorded by it as well.
Result<std::string> Service::release(const std::string& path, const Request& request) {
  ATTESTD_TRY(const AttestationResult result, session(request));
  ATTESTD_TRY(const PublicJwk key, parse_jwk(result.key));
  const std::int64_t now = clock_();
  const Asker asker = asker_of(request, result);
  ReleaseDecision decision{.resource = path};
  std::optional<bool> recorded;  // the job may run again
  struct Decided {
    SecretBytes secret;
    std::optional<Error> refusal;
  };
  const auto decided = write_to(*store_, [&](StoreTransaction& transaction) -> Result<Decided> {
    decision = {.resource = path};
    auto secret = [&]() -> Result<SecretBytes> {
      ATTESTD_TRY(const Resource resource, transaction.resource(path));
      ATTESTD_TRY(decision.policy, find_policy(transaction, resource.settings.policy, result));
      Release pending{.path = path, .at = now};
      ATTESTD_TRY(pending.update, check_volume(resource.settings, resource.state, result.volume));
      ATTESTD_TRY(ResourceSecret current, transaction.secret(path));
      pending.version = current.version;
      ReleaseDecision released = decision;
      released.version = current.version;
      pending.audit_body = release_record(now, asker, released);
      ATTESTD_CHECK(transaction.decide(pending));
      return std::move(current.secret);
    }();
    if (secret) return Decided{*std::move(secret), std::nullopt};
    Error why = of_store(std::move(secret).error());
    if (is_our_failure(why)) return std::unexpected(std::move(why));
    decision.reason = why.text();
    if (!recorded) recorded = attested_refusals_.admit(asker.address, now);
    if (*recorded) ATTESTD_CHECK(transaction.append_audit(now, release_record(now, asker, decision)));
    return Decided{SecretBytes(), std::move(why)};
  });
  if (!decided) {
    const Error why = of_store(decided.error());
    decision.reason = why.text();
    decision.failure = true;
    return failed(why, asker.address, now, release_record(now, asker, decision));
  }
  if (decided->refusal) {
    ++counters_.withheld;
    return std::unexpected(*decided->refusal);
  }
  ATTESTD_TRY(std::string jwe, encrypt_jwe(decided->secret.view(), key));
  ++counters_.released;
  return jwe;
}

// First boot: the broker makes a volume's key, for who has a token that says it may have one.
Result<std::string> Service::enrol(const Request& request) {
  ATTESTD_TRY(const AttestationResult result, session(request));
  const std::int64_t now = clock_();
  const auto asked = parse_enrolment(request.body);
  if (!asked) return malformed(asked.error());
  const auto& [path, token] = *asked;
  ATTESTD_TRY(const PublicJwk key, parse_jwk(result.key));
  ATTESTD_TRY(const SecretBytes secret, SecretBytes::random(generated_secret_size));
  ATTESTD_TRY(std::string jwe, encrypt_jwe(secret.view(), key));
  ReleaseDecision decision{.resource = path};
  const Asker asker = asker_of(request, result);
  const Sha256Digest id = enrolment_token_digest(token);
  const auto enrolled = write_to(*store_, [&](StoreTransaction& transaction) -> Result<void> {
    const auto spent = transaction.spend_enrolment_token(id, now);
    if (!spent && spent.error().code == Errc::expired) return fail(Errc::refused, spent.error().message);
    if (!spent) return std::unexpected(spent.error());
    const EnrolmentToken& allowed = *spent;
    if (allowed.path != path) return fail(Errc::refused, "the enrolment token is for another resource");
    ATTESTD_TRY(decision.policy, find_policy(transaction, allowed.policy, result));
    ResourceSettings settings{.path = path, .policy = allowed.policy, .volume = {}, .conditions = {}};
    if (result.volume) settings.volume = result.volume->uuid;
    auto made = transaction.create_resource(settings, secret.view(), now);
    if (!made && made.error().code == Errc::refused) {
      return fail(Errc::refused, "resource " + path + " is there already: a disk that was wiped is not made anew");
    }
    if (!made) return std::unexpected(std::move(made).error());
    ATTESTD_TRY(const Resource resource, transaction.resource(path));
    decision.version = resource.versions.back().version;
    ATTESTD_CHECK(transaction.append_audit(now, enrolment_record(now, asker, decision)));
    return {};
  });
  if (enrolled) {
    ++counters_.released;
    return jwe;
  }
  ++counters_.withheld;
  decision.version = 0;
  return refuse(enrolled.error(), asker, now, decision, enrolment_record);
}

// The guest is about to write another LUKS2 header, and says which, so that neither the header of
// today nor that of tomorrow is refused whatever happens in between.
Result<void> Service::announce_header(const Request& request) {
  ATTESTD_TRY(const AttestationResult result, session(request));
  const auto asked = parse_announcement(request.body);
  if (!asked) return malformed(asked.error());
  const auto& [path, next] = *asked;
  const std::int64_t now = clock_();
  ReleaseDecision decision{.resource = path};
  const Asker asker = asker_of(request, result);
  const auto announced = write_to(*store_, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(const Resource resource, transaction.resource(path));
    ATTESTD_TRY(decision.policy, find_policy(transaction, resource.settings.policy, result));
    if (!resource.settings.volume) return fail(Errc::refused, "resource " + path + " is no volume's key");
    // As at a release, which would be refused as well.
    ATTESTD_TRY(VolumeUpdate update, check_volume(resource.settings, resource.state, result.volume));
    ATTESTD_CHECK(transaction.secret(path));
    const Sha256Digest shown = to_digest(result.volume->header_sha256);
    if (resource.state.headers.header != std::optional(shown)) {
      return fail(Errc::refused, "the evidence does not show the header that is enrolled");
    }
    update.headers = HeaderDigests{shown, to_digest(next)};
    ATTESTD_CHECK(transaction.update_volume(path, update));
    ATTESTD_CHECK(transaction.append_audit(now, header_record(now, asker, decision, to_hex(next))));
    return {};
  });
  if (announced) return announced;
  const std::string next_hex = to_hex(next);
  return refuse(announced.error(), asker, now, decision,
                [&next_hex](std::int64_t at, const Asker& who, const ReleaseDecision& what) {
                  return header_record(at, who, what, next_hex);
                });
}

namespace {

constexpr ProblemKind not_attested{"not-attested", "There is no valid attestation token", 401};
constexpr ProblemKind refused{"refused", "The evidence does not allow this", 403};
constexpr ProblemKind no_such_resource{"no-such-resource", "There is no such resource", 404};
constexpr ProblemKind malformed_request{"malformed-request", "The request cannot be used", 400};

}  // namespace

bool is_our_failure(const Error& error) {
  switch (error.code) {
    case Errc::busy:
    case Errc::unavailable:
    case Errc::timed_out:
    case Errc::io:
    case Errc::crypto:
    case Errc::internal: return true;
    default: return false;
  }
}

std::unexpected<Error> malformed(Error error) {
  error.code = Errc::malformed;
  return std::unexpected(std::move(error));
}

Error of_store(Error error) {
  switch (error.code) {
    case Errc::refused:
    case Errc::not_found:
    case Errc::expired:
    case Errc::changed:
    case Errc::usage: return error;
    default: break;
  }
  if (!is_our_failure(error)) error.code = Errc::internal;
  return error;
}

Reply Service::refusal(const Error& error) {
  if (is_our_failure(error)) return failure(error);
  const ProblemKind& kind = [&]() -> const ProblemKind& {
    switch (error.code) {
      case Errc::permission:
      case Errc::expired: return not_attested;
      case Errc::refused:
      case Errc::mismatch:
      case Errc::changed: return refused;
      case Errc::not_found: return no_such_resource;
      default: return malformed_request;
    }
  }();
  return {kind.status, std::string(problem_media_type), problem_json({kind, error.text(), {}}), {}};
}

Reply Service::enrolment(const Request& request) {
  const auto jwe = enrol(request);
  if (!jwe) return refusal(jwe.error());
  Reply out;
  out.body = *jwe;
  return out;
}

Reply Service::volume_header(const Request& request) {
  const auto announced = announce_header(request);
  if (!announced) return refusal(announced.error());
  Reply out;
  out.body = "{}";
  return out;
}

Reply Service::token_keys() const {
  Reply out;
  out.body = R"({"keys":[)" + keys_.token.public_jwk().json() + "]}";
  return out;
}

Reply Service::ssh_authority() const {
  Reply out;
  out.content_type = "text/plain; charset=utf-8";
  out.body = keys_.authority.public_key().line() + " attest-broker\n";
  return out;
}

}  // namespace attestd::broker
