#include "base/encoding.h"
#include "client/commands.h"
#include "client/trust.h"
#include "keys/amd_keys.h"
#include "verifier/appraise.h"

namespace attestd {

Result<int> run_verify_azure(const CommonOptions& common, const VerifyAzureOptions& options) {
  ATTESTD_TRY(const Policy policy, load_trust(options.trust));
  ATTESTD_TRY(const std::int64_t at, verification_time(options.trust.at));
  ATTESTD_TRY(const Bytes hcl, read_option_file("--hcl", options.hcl));
  AzureEvidence evidence;
  evidence.hcl_report = hcl;
  ATTESTD_TRY(evidence.endorsements, load_endorsements(options.trust));
  add_cached_endorsements(options.trust, snp_report_of_hcl(hcl), at, evidence.endorsements);
  Bytes td_quote;
  if (!options.quote.empty()) {
    ATTESTD_TRY(td_quote, read_option_file("--quote", options.quote));
    evidence.td_quote = td_quote;
    ATTESTD_TRY(evidence.tdx_collateral, load_collateral(options.trust));
  }
  Bytes tpm_quote;
  Bytes tpm_signature;
  if (!options.tpm_quote.empty()) {
    ATTESTD_TRY(tpm_quote, read_option_file("--tpm-quote", options.tpm_quote));
    ATTESTD_TRY(tpm_signature, read_option_file("--tpm-signature", options.tpm_signature));
    evidence.tpm_quote = tpm_quote;
    evidence.tpm_signature = tpm_signature;
  }
  if (!options.extra_data.empty()) {
    auto extra_data = from_hex(options.extra_data);
    if (!extra_data) return fail(Errc::usage, "--extra-data must be hexadecimal: " + extra_data.error().text());
    evidence.expected_extra_data = *std::move(extra_data);
  }
  return print_verdict(common, appraise_azure(evidence, policy, at));
}

}  // namespace attestd
