// ssh runs this as its KnownHostsCommand: whatever is printed is believed, so
// nothing is, unless everything holds. Source: ssh_config(5).
#include <algorithm>

#include "base/encoding.h"
#include "client/activation.h"
#include "client/commands.h"
#include "client/discovery.h"
#include "client/known_hosts.h"
#include "client/proof_cache.h"
#include "client/trust.h"
#include "evidence/digest.h"
#include "evidence/ssh_certificate.h"
#include "keys/key_cache.h"
#include "verifier/appraise.h"

namespace attestd {
namespace {

struct Invocation {
  std::string host;                     // as ssh looks it up, "[vm.example]:2222"
  std::optional<SshPublicKey> offered;  // the key that the server showed, when ssh says
};

// Without the brackets and the port of sshd.
std::string bare_name(const std::string& host) {
  return host.starts_with('[') ? host.substr(1, host.find(']') - 1) : host;
}

Result<Invocation> parse_words(const std::vector<std::string>& words) {
  if (words.size() != 1 && words.size() != 4) {
    return fail(Errc::usage,
                "host-proof takes ssh's %H, or %I %H %t %K: " + std::to_string(words.size()) + " words were given");
  }
  Invocation out{words.size() == 1 ? words[0] : words[1], std::nullopt};
  ATTESTD_CHECK(check_known_host(out.host));
  if (words.size() == 1) return out;
  const std::string& kind = words[0];
  if (kind != "ORDER" && kind != "HOSTNAME" && kind != "ADDRESS") {
    return fail(Errc::usage, "host-proof does not know ssh's invocation \"" + kind + "\" (%I)");
  }
  // ORDER comes before the server has shown any key.
  if (words[3].empty() || words[3] == "NONE") return out;
  ATTESTD_TRY(const SshPublicKey shown, parse_ssh_public_key(words[2] + " " + words[3]));
  // Where the server shows a certificate, ssh falls back to the key in it when it knows no authority.
  ATTESTD_TRY(out.offered, ssh_subject_key(shown));
  return out;
}

bool failed(const Verdict& verdict, std::string_view id) {
  const Check* const check = verdict.find(id);
  return check != nullptr && check->result == CheckResult::fail;
}

bool failed_alone(const Verdict& verdict, std::string_view id) {
  return failed(verdict, id) && std::ranges::all_of(verdict.checks, [&](const Check& check) {
           return check.id == id || check.result != CheckResult::fail;
         });
}

class HostProof {
 public:
  static Result<HostProof> make(const CommonOptions& common, const HostProofOptions& options,
                                const Invocation& invocation) {
    HostProof out(common, options.trust, invocation);
    if (options.from.empty()) {
      ATTESTD_TRY(out.where_, find_host(bare_name(invocation.host), options.hosts));
    } else {
      ATTESTD_TRY(out.where_.source, parse_source(options.from));
    }
    if (out.trust_.policy.empty()) out.trust_.policy = out.where_.policy;
    if (out.common_.https.ca_file.empty()) out.common_.https.ca_file = out.where_.ca_file;
    if (out.trust_.policy.empty()) {
      return fail(Errc::usage, "host-proof needs --policy FILE, or a policy for this host in hosts.toml");
    }
    if (!out.common_.https.ca_file.empty()) {
      ATTESTD_TRY(out.tls_roots_, read_option_file("--ca-file", out.common_.https.ca_file));
    }
    ATTESTD_TRY(out.policy_, load_trust(out.trust_));
    ATTESTD_TRY(out.at_, verification_time(out.trust_.at));
    ATTESTD_TRY(out.endorsements_, load_endorsements(out.trust_));
    ATTESTD_TRY(out.collateral_, load_collateral(out.trust_));
    return out;
  }

  // known_hosts lines.
  Result<std::string> prove() {
    if (const auto kept = from_cache()) {
      auto lines = lines_of(*kept);
      // A key that is not listed may be newer than what was kept.
      if (lines) return lines;
    }
    Proof proof{{}, {}, at_};
    ATTESTD_TRY(proof.nonce, fresh_nonce());
    auto evidence = fetch_activated_evidence(
        where_.source,
        {.nonce = proof.nonce, .purpose = Purpose::host, .timeout = common_.timeout, .https = common_.https});
    if (!evidence) return std::unexpected(unreached(std::move(evidence).error(), where_));
    proof.evidence = *std::move(evidence);
    auto lines = lines_of(proof);
    if (lines) keep(proof);
    return lines;
  }

 private:
  HostProof(CommonOptions common, TrustOptions trust, Invocation invocation)
      : common_(std::move(common)), trust_(std::move(trust)), invocation_(std::move(invocation)) {}

  [[nodiscard]] std::string source() const { return source_name(where_.source); }
  // What evidence must have in common to serve again: where it is from, and the roots that the
  // server's certificate was held to.
  [[nodiscard]] std::string origin() const {
    return source() + " " + to_hex(digest(HashAlgorithm::sha256, {tls_roots_}));
  }

  // A file's age is the policy's business: it never answers our nonce.
  [[nodiscard]] bool is_file() const { return where_.source.kind == Source::Kind::file; }

  [[nodiscard]] std::optional<ProofCache> cache() const {
    const std::string folder = trust_.cache.empty() ? default_cache_folder() : trust_.cache;
    if (policy_.host_proof_cache_s == 0 || trust_.no_cache || is_file() || folder.empty()) return std::nullopt;
    return ProofCache(folder + "/proofs");
  }
  [[nodiscard]] std::optional<Proof> from_cache() const {
    const auto proofs = cache();
    return proofs ? proofs->find(invocation_.host, origin(), at_, policy_.host_proof_cache_s) : std::nullopt;
  }
  void keep(const Proof& proof) const {
    const auto proofs = cache();
    if (!proofs) return;
    // The proof holds without it.
    if (const auto kept = proofs->keep(invocation_.host, origin(), proof); !kept) {
      complain("cannot keep the verified evidence of " + invocation_.host + ": " + kept.error().text());
    }
  }

  Result<std::string> lines_of(const Proof& proof) {
    const auto bundle = parse_bundle(proof.evidence.bundle);
    if (!bundle) return std::unexpected(Error(bundle.error()).in(source() + " gives no bundle"));
    AppraisalContext context;
    context.at = at_;
    if (!is_file()) context.nonce = proof.nonce;
    context.host_key = invocation_.offered;
    context.purpose = Purpose::host;
    context.channel = proof.evidence.channel;
    context.activation_seed = proof.evidence.activation_seed;
    context.extra_endorsements = endorsements_;
    context.tdx_collateral = collateral_;
    add_cached_endorsements(trust_, *bundle, context.at, context.extra_endorsements);
    add_cached_collateral(trust_, bundle->td_quote, context.tdx_collateral);
    const Appraisal appraisal = appraise(*bundle, policy_, context);
    ATTESTD_CHECK(require_proof(appraisal));
    return known_hosts_lines(invocation_.host, appraisal.statement->ssh_host_keys);
  }

  [[nodiscard]] Result<void> require_proof(const Appraisal& appraisal) const {
    const Verdict& verdict = appraisal.verdict;
    if (appraisal.statement && failed(verdict, "binding.channel")) {
      return fail(Errc::mismatch,
                  "somebody between you and the VM passes its evidence on, possibly a man in the middle (" +
                      verdict.find("binding.channel")->detail + "); do not connect until you know who");
    }
    // Else the evidence is no reason to speak of its VM's keys.
    if (appraisal.statement && failed_alone(verdict, "binding.host-key")) {
      return fail(Errc::mismatch,
                  "the host offered the key " + invocation_.offered->fingerprint() +
                      " that its attested VM does not list: possibly a man in the middle; do not connect "
                      "until you know why (a key changed without attestd's knowledge looks the same)");
    }
    if (verdict.outcome != Outcome::trusted || !appraisal.statement) {
      return fail(Errc::refused, "the VM's evidence is " + std::string(outcome_name(verdict.outcome)) + ": " +
                                     reasons_of(verdict) + "; see all of it with: attestctl verify --from " + source() +
                                     " --policy " + trust_.policy);
    }
    if (appraisal.statement->ssh_host_keys.empty()) {
      return fail(Errc::not_found, "the VM's evidence lists no ssh host key: see \"attestctl status\" in the VM");
    }
    return {};
  }

  CommonOptions common_;
  TrustOptions trust_;
  Invocation invocation_;
  Whereabouts where_;
  Bytes tls_roots_;  // empty: any certificate will do
  Policy policy_;
  std::int64_t at_ = 0;
  SnpEndorsements endorsements_;
  TdxCollateral collateral_;
};

}  // namespace

Result<int> run_host_proof(const CommonOptions& common, const HostProofOptions& options) {
  const auto refuse = [](const Error& error, const std::string& host) {
    complain("host key verification failed" + (host.empty() ? std::string() : " for " + host) + ": " + error.text());
    return 1;
  };
  const auto invocation = parse_words(options.words);
  if (!invocation) return refuse(invocation.error(), {});
  auto proof = HostProof::make(common, options, *invocation);
  if (!proof) return refuse(proof.error(), invocation->host);
  const auto lines = proof->prove();
  if (!lines) return refuse(lines.error(), invocation->host);
  ATTESTD_CHECK(print(*lines));
  return 0;
}

}  // namespace attestd
