#include "client/commands.h"
#include "client/trust.h"
#include "verifier/appraise.h"
#include "verifier/snp.h"

namespace attestd {

Result<int> run_verify_snp(const CommonOptions& common, const VerifySnpOptions& options) {
  ATTESTD_TRY(const Policy policy, load_trust(options.trust));
  ATTESTD_TRY(const std::int64_t at, verification_time(options.trust.at));
  ATTESTD_TRY(SnpEndorsements endorsements, load_endorsements(options.trust));
  ATTESTD_TRY(const Bytes report, read_option_file("--report", options.report));
  add_cached_endorsements(options.trust, report, at, endorsements);
  const SnpVerification verification = verify_snp(report, endorsements, policy.roots, at);
  return print_verdict(common, appraise_snp(verification, options.trust.policy.empty() ? nullptr : &policy));
}

}  // namespace attestd
