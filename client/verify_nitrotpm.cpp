#include "client/commands.h"
#include "client/trust.h"
#include "verifier/nitro.h"

namespace attestd {

Result<int> run_verify_nitrotpm(const CommonOptions& common, const VerifyNitrotpmOptions& options) {
  ATTESTD_TRY(const Policy trust, load_trust(options.trust));
  ATTESTD_TRY(const std::int64_t at, verification_time(options.trust.at));
  ATTESTD_TRY(const Bytes document, read_option_file("--document", options.document));
  const NitroTrust which = options.trust.roots.nitro.empty() ? NitroTrust::aws_and_named : NitroTrust::named_only;
  return print_verdict(common, appraise_nitro(verify_nitro(document, trust.roots, at, which)));
}

}  // namespace attestd
