// Is this vTPM one that a Secure VM Service Module runs at VMPL 0?
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/snp_report.h"
#include "evidence/statement.h"
#include "evidence/tpm_attest.h"
#include "verifier/verdict.h"

namespace attestd {

// Does the vTPM's state outlive this boot? By its reset counter: a TPM that was made
// at this boot has been started once.
enum class VtpmState { ephemeral, stateful };
std::string_view vtpm_state_name(VtpmState state);  // "ephemeral"
VtpmState vtpm_state(const TpmQuote& quote);

// Of a policy's [svsm]. Nothing is demanded by default.
struct SvsmPolicy {
  std::set<std::string> states;         // accepted vtpm_state_name(); empty: any
  std::vector<Bytes> endorsement_keys;  // accepted TPM names, 34 bytes; empty: any
  [[nodiscard]] bool demands_nothing() const { return states.empty() && endorsement_keys.empty(); }
};

struct SvsmVerification {
  std::optional<TpmPublic> endorsement_key;  // believe it only if svsm.manifest passes
};

// svsm.manifest: the report is of VMPL 0, carries SHA-512(root || manifest), and the
// manifest has the endorsement key of the vTPM (which is the bundle's, if it has one).
Check check_svsm_manifest(SvsmVerification& svsm, const Bundle& bundle, const SnpReport* report,
                          const Result<MerkleHash>& root);
// svsm.ak: the statement has the hash of what only the TPM with both keys could
// decrypt. `seed` is what the credential was made with (verifier/credential.h); null
// or a statement without activation: skipped.
Check check_svsm_ak(const SvsmVerification& svsm, const TpmPublic* ak, const Statement* statement,
                    const std::optional<Bytes>& seed);
// svsm.policy
Check check_svsm_policy(const SvsmVerification& svsm, const TpmQuote* quote, const SvsmPolicy& policy);

std::string svsm_claims_json(const SvsmVerification& svsm);

}  // namespace attestd
