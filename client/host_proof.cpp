// ssh runs this as its KnownHostsCommand: whatever is printed is believed, so
// nothing is, unless everything holds. Source: ssh_config(5).
#include <algorithm>

#include "client/activation.h"
#include "client/commands.h"
#include "client/known_hosts.h"
#include "client/source.h"
#include "client/trust.h"
#include "verifier/appraise.h"

namespace attestd {
namespace {

struct Invocation {
  std::string host;
  std::optional<SshPublicKey> offered;  // the key that the server showed, when ssh says
};

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
  ATTESTD_TRY(out.offered, parse_ssh_public_key(words[2] + " " + words[3]));
  return out;
}

std::string reasons(const Verdict& verdict) {
  std::string out;
  for (const auto& [question, answer] : verdict.answers) {
    if (answer.answer == Answer::yes) continue;
    for (const Reason& reason : answer.reasons) out += (out.empty() ? "" : "; ") + reason.text;
  }
  for (const Check& check : verdict.checks) {
    if (check.result != CheckResult::fail) continue;
    out += (out.empty() ? "" : "; ") + check.id + ": " + check.detail;
  }
  return out.empty() ? "the policy's questions have no answer" : out;
}

std::unexpected<Error> not_listed(const Invocation& invocation) {
  return fail(Errc::mismatch, "the host offered the key " + invocation.offered->fingerprint() +
                                  " that its attested VM does not list: possibly a man in the middle; do not connect "
                                  "until you know why (a key changed without attestd's knowledge looks the same)");
}

Result<std::string> prove(const CommonOptions& common, const HostProofOptions& options, const Invocation& invocation) {
  if (options.trust.policy.empty()) return fail(Errc::usage, "host-proof needs --policy FILE");
  ATTESTD_TRY(const Policy policy, load_trust(options.trust));
  AppraisalContext context;
  ATTESTD_TRY(context.at, verification_time(options.trust.at));
  ATTESTD_TRY(context.extra_endorsements, load_endorsements(options.trust));
  ATTESTD_TRY(context.tdx_collateral, load_collateral(options.trust));
  ATTESTD_TRY(const Source source, parse_source(options.from));
  ATTESTD_TRY(const Bytes nonce, fresh_nonce());
  // A file's age is the policy's business: it never answers our nonce.
  if (source.kind != Source::Kind::file) context.nonce = nonce;
  context.host_key = invocation.offered;
  context.purpose = Purpose::host;
  ATTESTD_TRY(ActivatedEvidence evidence,
              fetch_activated_evidence(source, {.nonce = nonce, .purpose = Purpose::host, .timeout = common.timeout}));
  context.activation_seed = std::move(evidence.seed);
  const auto bundle = parse_bundle(evidence.bundle);
  if (!bundle) return std::unexpected(Error(bundle.error()).in(source_name(source) + " gives no bundle"));
  add_cached_endorsements(options.trust, *bundle, context.at, context.extra_endorsements);
  add_cached_collateral(options.trust, bundle->td_quote, context.tdx_collateral);

  const Appraisal appraisal = appraise(*bundle, policy, context);
  const Check* const listed = appraisal.verdict.find("binding.host-key");
  if (listed != nullptr && listed->result == CheckResult::fail && invocation.offered) return not_listed(invocation);
  if (appraisal.verdict.outcome != Outcome::trusted || !appraisal.statement) {
    return fail(Errc::refused, "the VM's evidence is " + std::string(outcome_name(appraisal.verdict.outcome)) + ": " +
                                   reasons(appraisal.verdict) + "; see all of it with: attestctl verify --from " +
                                   source_name(source) + " --policy " + options.trust.policy);
  }
  const Statement& statement = *appraisal.statement;
  if (statement.ssh_host_keys.empty()) {
    return fail(Errc::not_found, "the VM's evidence lists no ssh host key: see \"attestctl status\" in the VM");
  }
  if (invocation.offered && std::find(statement.ssh_host_keys.begin(), statement.ssh_host_keys.end(),
                                      *invocation.offered) == statement.ssh_host_keys.end()) {
    return not_listed(invocation);
  }
  return known_hosts_lines(invocation.host, statement.ssh_host_keys);
}

}  // namespace

Result<int> run_host_proof(const CommonOptions& common, const HostProofOptions& options) {
  const auto refuse = [](const Error& error, const std::string& host) {
    complain("host key verification failed" + (host.empty() ? std::string() : " for " + host) + ": " + error.text());
    return 1;
  };
  const auto invocation = parse_words(options.words);
  if (!invocation) return refuse(invocation.error(), {});
  const auto lines = prove(common, options, *invocation);
  if (!lines) return refuse(lines.error(), invocation->host);
  ATTESTD_CHECK(print(*lines));
  return 0;
}

}  // namespace attestd
