#include "client/commands.h"
#include "client/trust.h"
#include "verifier/appraise.h"
#include "verifier/tdx.h"

namespace attestd {

Result<int> run_verify_tdx(const CommonOptions& common, const VerifyTdxOptions& options) {
  ATTESTD_TRY(const Policy policy, load_trust(options.trust));
  ATTESTD_TRY(const std::int64_t at, verification_time(options.trust.at));
  ATTESTD_TRY(TdxCollateral collateral, load_collateral(options.trust));
  ATTESTD_TRY(const Bytes quote, read_option_file("--quote", options.quote));
  add_cached_collateral(options.trust, quote, collateral);
  const TdxVerification verification = verify_tdx(quote, collateral, policy.roots, at);
  return print_verdict(common, appraise_tdx(verification, options.trust.policy.empty() ? nullptr : &policy));
}

}  // namespace attestd
