#include "client/probe.h"

#include <ctime>

#include "base/stopwatch.h"
#include "client/activation.h"
#include "client/trust.h"
#include "verifier/appraise.h"

namespace attestd {
namespace {

Result<FetchedEvidence> fetch(const ProbeRequest& request, std::optional<Bytes>& nonce) {
  if (!request.cached) {
    ATTESTD_TRY(nonce, fresh_nonce());
  }
  return fetch_activated_evidence(request.source, {.nonce = nonce.value_or(Bytes{}),
                                                   .purpose = Purpose::monitor,
                                                   .timeout = request.timeout,
                                                   .cached = request.cached,
                                                   .https = request.https});
}

}  // namespace

Verdict undecided_verdict(const Error& error) {
  Verdict verdict;
  for (std::size_t i = 0; i < question_count; ++i) {
    verdict.answers[static_cast<Question>(i)] = {Answer::unknown, {{"no-evidence", error.text()}}};
  }
  return verdict;
}

std::string probe_reason(const ProbeResult& result) {
  if (result.failure) return result.failure->text();
  if (result.verdict.outcome == Outcome::trusted) return {};
  return reasons_of(result.verdict);
}

Result<Prober> Prober::make(const TrustOptions& trust) {
  Prober out(trust);
  ATTESTD_TRY(out.endorsements_, load_endorsements(trust));
  ATTESTD_TRY(out.collateral_, load_collateral(trust));
  return out;
}

ProbeResult Prober::probe(const ProbeRequest& request, const std::string& policy) const {
  ProbeResult out;
  const Stopwatch fetching;
  std::optional<Bytes> nonce;
  auto evidence = fetch(request, nonce);
  out.fetch_seconds = fetching.seconds();
  out.at = static_cast<std::int64_t>(std::time(nullptr));
  if (evidence) {
    const Stopwatch verifying;
    auto judged = judge(policy, *std::move(evidence), std::move(nonce), out);
    out.verify_seconds = verifying.seconds();
    if (!judged) out.failure = std::move(judged).error();
  } else {
    out.failure = std::move(evidence).error();
  }
  if (out.failure) out.verdict = undecided_verdict(*out.failure);
  return out;
}

Result<void> Prober::judge(const std::string& policy, FetchedEvidence evidence, std::optional<Bytes> nonce,
                           ProbeResult& into) const {
  TrustOptions trust = trust_;
  trust.policy = policy;
  ATTESTD_TRY(const Policy expected, load_trust(trust));
  const auto bundle = parse_bundle(evidence.bundle);
  if (!bundle) return std::unexpected(Error(bundle.error()).in("what was given is no bundle"));
  AppraisalContext context;
  context.at = into.at;
  context.nonce = std::move(nonce);
  context.activation_seed = std::move(evidence.activation_seed);
  context.channel = std::move(evidence.channel);
  context.purpose = Purpose::monitor;
  context.extra_endorsements = endorsements_;
  context.tdx_collateral = collateral_;
  context.cache = cache_.get();
  add_cached_endorsements(trust, *bundle, context.at, context.extra_endorsements);
  add_cached_collateral(trust, bundle->td_quote, context.tdx_collateral);
  Appraisal appraisal = appraise(*bundle, expected, context);
  into.verdict = std::move(appraisal.verdict);
  if (appraisal.statement) into.issued_at = appraisal.statement->issued_at;
  return {};
}

}  // namespace attestd
