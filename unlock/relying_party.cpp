#include "unlock/relying_party.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "evidence/json_internal.h"
#include "jose/jwe.h"
#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"

namespace attestd::unlock {
namespace {

constexpr std::size_t small_answer = std::size_t{64} << 10U;  // bytes
constexpr std::size_t detail_limit = 600;                     // bytes of a server's sentence that are shown
constexpr long status_ok = 200;

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

std::string status_text(const FetchResponse& answer) { return " (HTTP status " + std::to_string(answer.status) + ")"; }

// What goes to no place of the protocol. Statuses of servers in between mean what they always do.
Error stranger(const FetchResponse& answer, const std::string& url, std::string_view protocol) {
  auto error = require_ok(answer, url);
  return error ? Error{Errc::malformed,
                       url + " answers with something else than " + std::string(protocol) + status_text(answer),
                       std::nullopt, 0}
               : std::move(error).error();
}

// A problem (RFC 9457) of attest-brokerd's.
struct Problem {
  std::string name;  // the stable end of its type
  std::string detail;
};
Result<Problem> parse_problem(std::string_view body) {
  constexpr std::string_view prefix = "tag:attestd,2026:problem:";
  ATTESTD_TRY(const boost::json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "problem"));
  ATTESTD_TRY(const std::string type, members.string("type"));
  if (!type.starts_with(prefix)) return fail(Errc::malformed, "problem.type is none of attestd's");
  Problem out{.name = type.substr(prefix.size()), .detail = {}};
  ATTESTD_TRY(out.detail, members.optional_string("detail"));
  return out;
}

}  // namespace

kbs::Tee tee_of(std::string_view platform) {
  if (platform == "azure-snp") return kbs::Tee::az_snp_vtpm;
  if (platform == "azure-tdx") return kbs::Tee::az_tdx_vtpm;
  return platform.ends_with("-tdx") ? kbs::Tee::tdx : kbs::Tee::snp;
}

class RelyingParty::Conversation {
 public:
  Conversation(PartyAddress address, Attester attester, Fetch fetch)
      : address_(std::move(address)), attester_(std::move(attester)), fetch_(std::move(fetch)) {}

  Result<void> attest(const std::optional<UnlockClaim::Volume>& volume) {
    attested_ = false;
    cookie_.clear();
    ATTESTD_TRY(key_, DecryptionKey::make());
    kbs::Request begin{.version = kbs::ProtocolVersion::v0_4_0, .tee = attester_.tee};
    begin.hash_algorithms = {HashAlgorithm::sha384};
    begin.policy_selector = address_.policy;
    const std::string purpose = "does not accept the evidence";
    ATTESTD_TRY(const std::string challenged, ask_kbs("/kbs/v0/auth", kbs::encode_request(begin), purpose));
    const auto challenge = kbs::parse_challenge(challenged);
    if (!challenge) return std::unexpected(Error(challenge.error()).in(address_.url));
    ATTESTD_TRY(const kbs::Attestation attestation, answer_to(*challenge, volume));
    const std::string body = kbs::encode_attestation(attestation, kbs::ProtocolVersion::v0_4_0);
    ATTESTD_TRY(const std::string attested, ask_kbs("/kbs/v0/attest", body, purpose));
    if (auto token = kbs::parse_token(attested); !token) {
      return std::unexpected(std::move(token).error().in(address_.url));
    }
    attested_ = true;
    return {};
  }

  Result<SecretBytes> release(const std::string& resource) {
    ATTESTD_CHECK(require_attested());
    ATTESTD_TRY(const std::string released,
                ask_kbs("/kbs/v0/resource/" + resource, {}, "does not release " + resource, jwe_max_size));
    return open(released);
  }

  Result<SecretBytes> enrol(const std::string& resource, const std::string& enrolment_token) {
    ATTESTD_CHECK(require_attested());
    const boost::json::object body{{"resource", resource}, {"token", enrolment_token}};
    auto enrolled = ask_own("/v1/enrolment", boost::json::serialize(body), "does not enrol " + resource, jwe_max_size);
    // There is no such token, and there will be none.
    if (!enrolled && enrolled.error().code == Errc::not_found) enrolled.error().code = Errc::refused;
    if (!enrolled) return std::unexpected(std::move(enrolled).error());
    return open(*enrolled);
  }

  Result<void> announce_header(const std::string& resource, const FixedBytes<32>& digest) {
    ATTESTD_CHECK(require_attested());
    const boost::json::object body{{"resource", resource}, {"next_header_sha256", to_base64url(digest)}};
    ATTESTD_CHECK(ask_own("/v1/volume-header", boost::json::serialize(body),
                          "does not take the next header of " + resource, small_answer));
    return {};
  }

  Result<void> rotate(const std::string& resource, const std::string& token, const SecretBytes& key) {
    ATTESTD_CHECK(require_attested());
    std::string text = to_base64url(key.view());
    boost::json::string secret(text);
    wipe_text(text);
    boost::json::object body{{"resource", resource}, {"token", token}, {"key", std::move(secret)}};
    std::string sent = boost::json::serialize(body);
    auto& kept = body["key"].as_string();
    wipe(std::as_writable_bytes(std::span(kept.data(), kept.size())));
    auto rotated = ask_own("/v1/rotation", std::move(sent), "does not take another key for " + resource, small_answer);
    if (!rotated) return std::unexpected(std::move(rotated).error());
    return {};
  }

 private:
  Result<void> require_attested() const {
    if (attested_) return {};
    return fail(Errc::usage, "nothing is asked of " + address_.url + " before it has seen evidence");
  }

  Result<kbs::Attestation> answer_to(const kbs::Challenge& challenge,
                                     const std::optional<UnlockClaim::Volume>& volume) const {
    kbs::Attestation out;
    out.nonce = challenge.nonce;
    out.key = public_key(key_->public_jwk());
    if (address_.trustee) {
      ATTESTD_TRY(out.primary_evidence, trustee_evidence(attester_, challenge, out));
    } else {
      const UnlockClaim claim{to_bytes(ByteView(key_->public_jwk().thumbprint())), volume};
      ATTESTD_TRY(out.primary_evidence, attester_.bundle(to_bytes(ByteView(challenge.nonce)), claim));
    }
    return out;
  }

  static void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text))); }

  // `body` empty: GET. The conversation's cookies go back as they came.
  Result<FetchResponse> send(std::string_view path, std::string body, std::size_t limit) {
    FetchRequest asked;
    asked.url = address_.url + std::string(path);
    asked.peer = address_.url;
    asked.ca_file = address_.ca_file;
    asked.user_agent = address_.user_agent;
    asked.body = std::move(body);
    asked.content_type = "application/json";
    asked.limit = limit;
    asked.timeout = address_.timeout;
    if (!cookie_.empty()) asked.headers.push_back("Cookie: " + std::string(kbs::session_cookie) + "=" + cookie_);
    auto answer = fetch_(asked);
    wipe_text(asked.body);
    if (answer) keep_cookie(*answer);
    return answer;
  }

  // `purpose`: "does not …", for the sentence about a refusal.
  Result<std::string> ask_kbs(std::string_view path, std::string body, const std::string& purpose,
                              std::size_t limit = small_answer) {
    ATTESTD_TRY(FetchResponse answer, send(path, std::move(body), limit));
    if (answer.status == status_ok) return std::move(answer.body);
    const auto information = kbs::parse_error(answer.body);
    if (!information) return std::unexpected(stranger(answer, address_.url, "the KBS protocol"));
    // What its policy denies it will deny again; all else may be a matter of time, as an expired challenge is.
    const bool denied = information->name == kbs::error_name(kbs::ErrorKind::policy_deny);
    return refusal(denied ? Errc::refused : Errc::unavailable, purpose, information->detail, answer);
  }

  Result<std::string> ask_own(std::string_view path, std::string body, const std::string& purpose, std::size_t limit) {
    ATTESTD_TRY(FetchResponse answer, send(path, std::move(body), limit));
    if (answer.status == status_ok) return std::move(answer.body);
    const auto problem = parse_problem(answer.body);
    if (!problem) return std::unexpected(stranger(answer, address_.url, "attest-brokerd's own protocol"));
    const Errc code = problem->name == "refused"             ? Errc::refused
                      : problem->name == "no-such-resource"  ? Errc::not_found
                      : problem->name == "malformed-request" ? Errc::usage
                                                             : Errc::unavailable;
    return refusal(code, purpose, problem->detail, answer);
  }

  [[nodiscard]] std::unexpected<Error> refusal(Errc code, const std::string& purpose, const std::string& detail,
                                               const FetchResponse& answer) const {
    return fail(code, address_.url + " " + purpose + ": " + detail.substr(0, detail_limit) + status_text(answer));
  }

  void keep_cookie(const FetchResponse& answer) {
    const std::string prefix = std::string(kbs::session_cookie) + "=";
    for (const auto& [name, value] : answer.headers) {
      if (name == "set-cookie" && value.starts_with(prefix)) {
        cookie_ = trimmed(std::string_view(value).substr(prefix.size(), value.find(';') - prefix.size()));
      }
    }
  }

  [[nodiscard]] Result<SecretBytes> open(std::string_view jwe) const {
    auto secret = decrypt_jwe(jwe, *key_);
    if (!secret) return std::unexpected(std::move(secret).error().in("what " + address_.url + " released"));
    if (secret->empty()) return fail(Errc::malformed, address_.url + " released an empty secret");
    return secret;
  }

  PartyAddress address_;
  Attester attester_;
  Fetch fetch_;
  std::optional<DecryptionKey> key_;
  std::string cookie_;
  bool attested_ = false;
};

RelyingParty::RelyingParty(PartyAddress address, Attester attester, Fetch fetch)
    : conversation_(std::make_unique<Conversation>(std::move(address), std::move(attester), std::move(fetch))) {}
RelyingParty::RelyingParty(RelyingParty&&) noexcept = default;
RelyingParty& RelyingParty::operator=(RelyingParty&&) noexcept = default;
RelyingParty::~RelyingParty() = default;

Result<void> RelyingParty::attest(const std::optional<UnlockClaim::Volume>& volume) {
  return conversation_->attest(volume);
}
Result<SecretBytes> RelyingParty::release(const std::string& resource) { return conversation_->release(resource); }
Result<SecretBytes> RelyingParty::enrol(const std::string& resource, const std::string& enrolment_token) {
  return conversation_->enrol(resource, enrolment_token);
}
Result<void> RelyingParty::announce_header(const std::string& resource, const FixedBytes<32>& digest) {
  return conversation_->announce_header(resource, digest);
}

Result<void> RelyingParty::rotate(const std::string& resource, const std::string& rotation_token,
                                  const SecretBytes& key) {
  return conversation_->rotate(resource, rotation_token, key);
}

bool may_pass(const Error& error) {
  switch (error.code) {
    case Errc::refused:
    case Errc::usage:
    case Errc::key_wiped:
    case Errc::unsupported: return false;
    default: return true;
  }
}

}  // namespace attestd::unlock
