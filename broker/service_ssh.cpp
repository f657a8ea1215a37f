// OpenSSH host certificates for host keys that evidence proves.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/random.h"
#include "broker/principals.h"
#include "broker/request_json_internal.h"
#include "broker/service.h"
#include "broker/service_internal.h"
#include "evidence/digest.h"

namespace attestd::broker {
namespace json = boost::json;
namespace {

constexpr std::string_view protocol = "attestd";
constexpr std::int64_t clock_skew_s = 300;
constexpr std::size_t principals_asked_limit = 64;
constexpr std::size_t serial_size = 8;  // bytes
constexpr std::size_t key_id_digits = 16;

struct Asked {
  std::string challenge;
  Bundle bundle;
  Bytes evidence_sha256;
  std::vector<std::string> principals;
};

Result<Asked> parse_asked(const std::string& body) {
  ATTESTD_TRY(const json::value document, parse_json(body));
  ATTESTD_TRY(const JsonMembers members, request_members(document, {"challenge", "evidence", "principals"}));
  Asked out;
  ATTESTD_TRY(out.challenge, members.string("challenge"));
  ATTESTD_TRY(const json::value* const evidence, members.member("evidence"));
  const std::string bundle = json::serialize(*evidence);
  out.evidence_sha256 = digest(HashAlgorithm::sha256, {as_bytes(bundle)});
  ATTESTD_TRY(out.bundle, parse_bundle(bundle));
  if (members.find("principals") != nullptr) {
    ATTESTD_TRY(out.principals, members.strings("principals", principals_asked_limit));
    if (!std::ranges::all_of(out.principals, is_ssh_principal)) {
      return fail(Errc::malformed, "request.principals has one that is no host name or address");
    }
  }
  return out;
}

struct Signed {
  std::vector<std::string> lines;
  CertificateDecision decision;
};

Result<Signed> sign_all(const SshAuthority& authority, const std::vector<SshPublicKey>& keys,
                        const SshHostCertificate& form) {
  Signed out;
  for (const SshPublicKey& key : keys) {
    SshHostCertificate certificate = form;
    certificate.key = key;
    certificate.serial += out.lines.size();
    const auto made = authority.sign(certificate);
    // sshd may have keys of kinds that no certificate is for.
    if (!made && made.error().code == Errc::unsupported) continue;
    if (!made) return std::unexpected(made.error());
    out.lines.push_back(made->line());
    out.decision.keys.push_back(key.fingerprint());
  }
  if (out.lines.empty()) return fail(Errc::refused, "the evidence lists no host key that a certificate can be for");
  return out;
}

// Who is outside the VM could ask its gateway for the evidence, and choose the names.
Result<void> require_inside(const Statement& statement) {
  if (statement.channel || !statement.peer || statement.peer->uid != 0) {
    return fail(Errc::refused, "the evidence was not asked for by root on the VM's own socket");
  }
  return {};
}

struct Ruled {
  StoredPolicy policy;
  HostCertificateRule rule;
};

// Errors: refused (none), changed (the challenge was answered before).
Result<std::vector<Ruled>> read_rules(Store& store, const Challenge& challenge) {
  auto ruled = read_from(store, [&](const StoreReader& reader) -> Result<std::vector<Ruled>> {
    ATTESTD_CHECK(require_unspent(reader, challenge));
    ATTESTD_TRY(const std::vector<HostCertificateRule> rules, reader.host_certificate_rules());
    std::vector<Ruled> out;
    for (const HostCertificateRule& rule : rules) {
      ATTESTD_TRY(StoredPolicy policy, reader.policy(rule.policy));
      out.push_back({std::move(policy), rule});
    }
    return out;
  });
  if (!ruled) return std::unexpected(of_store(std::move(ruled).error()));
  if (ruled->empty()) {
    return fail(Errc::refused, "the broker has no rule for host certificates (attest-broker host-cert)");
  }
  return ruled;
}

Result<SshHostCertificate> form_of(const HostCertificateRule& rule, const Bytes& nonce, std::int64_t now) {
  ATTESTD_TRY(const Bytes random, random_bytes(serial_size));
  ATTESTD_TRY(const std::uint64_t serial, Reader(random).be64("the serial number"));
  SshHostCertificate form;
  form.serial = serial >> 1U;  // so that adding to it does not overflow
  form.key_id = "attest-broker:" + rule.policy + ":" + to_hex(nonce).substr(0, key_id_digits);
  form.valid_after = now - clock_skew_s;
  form.valid_before = now + rule.validity_s;
  return form;
}

// By the first rule whose policy trusts the evidence, and that allows the names.
Result<Signed> sign_by_rules(const SshAuthority& authority, const std::vector<Ruled>& ruled, const Judgement& judgement,
                             const std::vector<std::string>& asked, const Bytes& nonce, std::int64_t now) {
  if (judgement.trusted() == nullptr || !judgement.statement) {
    return fail(Errc::refused, "no policy trusts this evidence: " + judgement.refusal());
  }
  ATTESTD_CHECK(require_inside(*judgement.statement));
  std::string why;
  for (std::size_t i = 0; i < ruled.size(); ++i) {
    if (judgement.decisions[i].outcome != Outcome::trusted) continue;
    const HostCertificateRule& rule = ruled[i].rule;
    auto principals = choose_principals(rule.principals, asked);
    if (!principals) {
      why = "policy " + rule.policy + ": " + principals.error().text();
      continue;
    }
    ATTESTD_TRY(SshHostCertificate form, form_of(rule, nonce, now));
    form.principals = *std::move(principals);
    ATTESTD_TRY(Signed out, sign_all(authority, judgement.statement->ssh_host_keys, form));
    out.decision.policy = rule.policy;
    out.decision.answers = judgement.decisions[i].answers;
    out.decision.principals = form.principals;
    out.decision.serial = form.serial;
    out.decision.valid_before = form.valid_before;
    return out;
  }
  return fail(Errc::refused, why);
}

}  // namespace

Reply Service::challenge(const Request& /*request*/) {
  const auto lifetime_s = std::chrono::duration_cast<std::chrono::seconds>(config_->challenge_lifetime).count();
  auto challenge = make_challenge(clock_() + lifetime_s);
  if (!challenge) return failure(challenge.error());
  challenge->protocol = protocol;
  const auto token = keys_.challenge.seal(*challenge);
  if (!token) return failure(token.error());
  ++counters_.challenges;
  Reply out;
  out.body = json::serialize(
      json::object{{"challenge", *token}, {"nonce", to_base64url(challenge->nonce)}, {"expires_in", lifetime_s}});
  return out;
}

Reply Service::ssh_host_certificates(const Request& request) {
  auto body = certify(request);
  if (!body) return refusal(body.error());
  Reply out;
  out.body = *std::move(body);
  return out;
}

Result<std::string> Service::certify(const Request& request) {
  const std::int64_t now = clock_();
  const auto parsed = parse_asked(request.body);
  if (!parsed) return malformed(parsed.error());
  const Asked& asked = *parsed;
  ATTESTD_TRY(const Challenge challenge, keys_.challenge.open(asked.challenge, now));
  if (challenge.protocol != protocol) return fail(Errc::mismatch, "the challenge is for another use");
  ATTESTD_TRY(const std::vector<Ruled> ruled, read_rules(*store_, challenge));
  AppraisalContext context;
  context.at = now;
  context.nonce = challenge.nonce;
  context.purpose = Purpose::host;
  std::vector<StoredPolicy> policies;
  std::ranges::transform(ruled, std::back_inserter(policies), &Ruled::policy);
  const Judgement judgement = judge_.judge(asked.bundle, context, policies);
  const Asker asker{request.address, std::string(protocol), {}, challenge.nonce, asked.evidence_sha256};
  auto made = sign_by_rules(keys_.authority, ruled, judgement, asked.principals, challenge.nonce, now);
  CertificateDecision decision;
  if (made) {
    decision = made->decision;
  } else {
    decision.principals = asked.principals;
    decision.reason = made.error().text();
    decision.failure = is_our_failure(made.error());
  }
  std::optional<std::string> record = certificate_record(now, asker, decision);
  if (!made) record = rationed(asker.address, now, *std::move(record));
  if (const auto spent = spend(challenge, now, record); !spent) {
    if (!is_our_failure(spent.error())) return std::unexpected(spent.error());
    decision.reason = spent.error().text();
    decision.failure = true;
    return failed(spent.error(), asker.address, now, certificate_record(now, asker, decision));
  }
  if (!made) {
    ++counters_.refused;
    return std::unexpected(std::move(made).error());
  }
  counters_.certificates += made->lines.size();
  json::array lines;
  for (const std::string& line : made->lines) lines.emplace_back(line);
  return json::serialize(
      json::object{{"certificates", std::move(lines)}, {"authority", keys_.authority.public_key().line()}});
}

}  // namespace attestd::broker
