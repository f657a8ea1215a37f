#include "client/activation.h"
#include "client/commands.h"
#include "client/input.h"
#include "client/source.h"
#include "client/trust.h"
#include "verifier/appraise.h"

namespace attestd {

Result<int> run_verify(const CommonOptions& common, const VerifyOptions& options) {
  if (options.trust.policy.empty()) {
    return fail(Errc::usage, "verify needs --policy FILE: make one with \"attestctl policy init\"");
  }
  if (!options.bundle.empty() && !options.from.empty()) {
    return fail(Errc::usage, "verify takes a bundle or --from, not both");
  }
  ATTESTD_TRY(const Policy policy, load_trust(options.trust));
  AppraisalContext context;
  if (!options.purpose.empty()) {
    context.purpose = purpose_from_name(options.purpose);
    if (!context.purpose) return fail(Errc::usage, "--purpose must be host, monitor, unlock or workload");
  }
  ATTESTD_TRY(context.at, verification_time(options.trust.at));
  ATTESTD_TRY(context.extra_endorsements, load_endorsements(options.trust));
  ATTESTD_TRY(context.tdx_collateral, load_collateral(options.trust));
  if (!options.nonce.empty()) {
    ATTESTD_TRY(context.nonce, parse_nonce(options.nonce));
  }
  if (!options.activation_secret.empty()) {
    ATTESTD_TRY(context.activation_seed, read_activation_seed(options.activation_secret));
  }

  std::string text;
  std::string where = options.bundle;
  if (!options.bundle.empty()) {
    ATTESTD_TRY(const Bytes bytes, read_input(options.bundle, bundle_max_size));
    text = as_text(bytes);
  } else {
    ATTESTD_TRY(const Source source, parse_source(options.from));
    const Purpose purpose = context.purpose.value_or(options.cached ? Purpose::monitor : Purpose::host);
    if (options.cached && (source.kind == Source::Kind::file || purpose != Purpose::monitor)) {
      return fail(Errc::usage, "--cached evidence comes from an agent, and has the purpose monitor");
    }
    if (source.kind != Source::Kind::file) {
      if (purpose != Purpose::host && purpose != Purpose::monitor) {
        return fail(Errc::usage, "evidence can be fetched for the purposes host and monitor: give a bundle's file");
      }
      context.purpose = purpose;
    }
    where = source_name(source);
    // A file cannot answer a nonce that was made just now.
    if (!context.nonce && source.kind != Source::Kind::file && !options.cached) {
      ATTESTD_TRY(context.nonce, fresh_nonce());
    }
    ATTESTD_TRY(FetchedEvidence evidence, fetch_activated_evidence(source, {.nonce = context.nonce.value_or(Bytes{}),
                                                                            .purpose = purpose,
                                                                            .timeout = common.timeout,
                                                                            .cached = options.cached,
                                                                            .https = common.https}));
    text = std::move(evidence.bundle);
    context.channel = std::move(evidence.channel);
    if (evidence.activation_seed) context.activation_seed = std::move(evidence.activation_seed);
  }
  const auto bundle = parse_bundle(text);
  if (!bundle) return std::unexpected(Error(bundle.error()).in(where + " is no bundle"));
  add_cached_endorsements(options.trust, *bundle, context.at, context.extra_endorsements);
  add_cached_collateral(options.trust, bundle->td_quote, context.tdx_collateral);
  return print_verdict(common, appraise(*bundle, policy, context).verdict);
}

}  // namespace attestd
