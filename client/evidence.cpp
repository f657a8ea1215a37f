#include "base/encoding.h"
#include "base/file.h"
#include "client/activation.h"
#include "client/commands.h"
#include "client/source.h"

namespace attestd {

Result<int> run_evidence(const CommonOptions& common, const EvidenceOptions& options) {
  if (options.output.empty() && stdout_is_terminal()) {
    return fail(Errc::usage, "a bundle is large and not for a terminal: name a file with -o, or pipe it");
  }
  const auto purpose = purpose_from_name(options.purpose);
  if (!purpose) return fail(Errc::usage, "--purpose must be host or monitor");
  ATTESTD_TRY(const Source source, parse_source(options.from));
  ATTESTD_TRY(const Bytes nonce, options.nonce.empty() ? fresh_nonce() : parse_nonce(options.nonce));
  EvidenceRequest request{
      .nonce = nonce, .purpose = *purpose, .timeout = common.timeout, .cached = options.cached, .https = common.https};
  ATTESTD_TRY(request.credential, parse_credential(options.credential));
  const bool activate = !options.activation_secret.empty();
  if (activate && request.credential)
    return fail(Errc::usage, "--credential and --activation-secret exclude each other");
  FetchedEvidence evidence;
  if (activate) {
    ATTESTD_TRY(evidence, fetch_activated_evidence(source, std::move(request)));
    if (!evidence.activation_seed) complain("no credential was sent: this VM's TPM is not attested by an SVSM");
  } else {
    ATTESTD_TRY(evidence, fetch_evidence(source, request));
  }
  const std::string& bundle = evidence.bundle;
  const auto parsed = parse_bundle(bundle);
  if (!parsed) return std::unexpected(Error(parsed.error()).in("what " + source_name(source) + " gives is no bundle"));
  // Who verifies the bundle later cannot know what connection it came over.
  ATTESTD_CHECK(require_own_channel(evidence, *parsed));
  if (options.output.empty()) {
    ATTESTD_CHECK(print(bundle));
  } else {
    ATTESTD_CHECK(replace_file(options.output, as_bytes(bundle), 0644));
  }
  if (evidence.activation_seed) ATTESTD_CHECK(replace_file(options.activation_secret, *evidence.activation_seed, 0600));
  // The verifier needs it, and a bundle is worth nothing without.
  if (options.nonce.empty() && !options.cached) complain("the nonce is " + to_hex(nonce));
  return 0;
}

}  // namespace attestd
