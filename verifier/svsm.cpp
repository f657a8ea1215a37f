#include "verifier/svsm.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "evidence/svsm_manifest.h"
#include "verifier/credential.h"

namespace attestd {
namespace json = boost::json;

std::string_view vtpm_state_name(VtpmState state) { return state == VtpmState::ephemeral ? "ephemeral" : "stateful"; }

// TPM 2.0 part 2, section 10.11.1: resetCount counts TPM Resets since the owner was
// last cleared, and the first start is one. Keys of the endorsement hierarchy see it
// as it is (part 1, section 36.7).
VtpmState vtpm_state(const TpmQuote& quote) {
  return quote.reset_count > 1 ? VtpmState::stateful : VtpmState::ephemeral;
}

Check check_svsm_manifest(SvsmVerification& svsm, const Bundle& bundle, const SnpReport* report,
                          const Result<MerkleHash>& root) {
  const std::string id = "svsm.manifest";
  const auto failed = [&](std::string why) { return Check{id, CheckResult::fail, std::move(why)}; };
  auto key = svsm_endorsement_key(bundle.svsm_manifest);
  if (!key) return failed(key.error().text());
  svsm.endorsement_key = *std::move(key);
  if (!bundle.td_quote.empty() || !bundle.hcl_report.empty()) {
    return failed("an SVSM's manifest comes with its own SEV-SNP report, and the bundle has another kind as well");
  }
  if (report == nullptr) return {id, CheckResult::skipped, "there is no readable SEV-SNP report"};
  if (!root) return failed(root.error().text());
  if (report->vmpl != 0) {
    return failed("the report was asked for at VMPL " + std::to_string(report->vmpl) +
                  ", where the guest could name any key; an SVSM asks at VMPL 0");
  }
  const FixedBytes<64> expected = svsm_report_data(*root, bundle.svsm_manifest);
  if (!constant_time_equal(report->report_data, expected)) {
    return failed("the report carries " + to_hex(report->report_data) +
                  ", the SHA-512 of the statement's root and the manifest is " + to_hex(expected));
  }
  if (bundle.tpm && !bundle.tpm->ek_public.empty()) {
    const auto shown = parse_tpm_public(bundle.tpm->ek_public);
    if (!shown || shown->name != svsm.endorsement_key->name) {
      return failed("the TPM's endorsement key is not the one that the SVSM attests: it is another TPM");
    }
  }
  return {id, CheckResult::pass,
          "the report of VMPL 0 carries the hash of the statement's root and the manifest, which has the vTPM's "
          "endorsement key " +
              to_hex(svsm.endorsement_key->name)};
}

Check check_svsm_ak(const SvsmVerification& svsm, const TpmPublic* ak, const Statement* statement,
                    const std::optional<Bytes>& seed) {
  const std::string id = "svsm.ak";
  const auto skipped = [&](std::string why) { return Check{id, CheckResult::skipped, std::move(why)}; };
  if (!svsm.endorsement_key) return skipped("there is no readable endorsement key");
  if (ak == nullptr || statement == nullptr) return skipped("there is no readable attestation key or statement");
  if (!seed) {
    return skipped(
        "no activation secret was given, so nothing shows that the attestation key lives in the SVSM's "
        "vTPM: ask the VM itself (--from), or keep the secret (--activation-secret)");
  }
  if (statement->ak_activation.empty()) {
    return skipped(
        "the statement has no activation of a credential, so nothing shows that the attestation key lives "
        "in the SVSM's vTPM");
  }
  const Bytes expected =
      digest(HashAlgorithm::sha256, {activation_secret(*seed, svsm.endorsement_key->name, ak->name)});
  if (!constant_time_equal(expected, statement->ak_activation)) {
    return {id, CheckResult::fail, "the statement has not the secret of the credential for these two keys"};
  }
  return {id, CheckResult::pass,
          "the attestation key lives beside the endorsement key: their TPM activated the credential for both"};
}

Check check_svsm_policy(const SvsmVerification& svsm, const TpmQuote* quote, const SvsmPolicy& policy) {
  const std::string id = "svsm.policy";
  if (policy.demands_nothing()) return {id, CheckResult::skipped, "the policy demands nothing of the SVSM's vTPM"};
  if (!policy.endorsement_keys.empty()) {
    if (!svsm.endorsement_key) return {id, CheckResult::skipped, "there is no readable endorsement key"};
    if (std::ranges::find(policy.endorsement_keys, svsm.endorsement_key->name) == policy.endorsement_keys.end()) {
      return {
          id, CheckResult::fail,
          "the vTPM's endorsement key is " + to_hex(svsm.endorsement_key->name) + ", not one that the policy accepts"};
    }
  }
  if (!policy.states.empty()) {
    if (quote == nullptr) return {id, CheckResult::skipped, "no quote shows whether the vTPM keeps its state"};
    const std::string state(vtpm_state_name(vtpm_state(*quote)));
    if (!policy.states.contains(state)) {
      return {id, CheckResult::fail, "the vTPM is " + state + ", which the policy does not accept"};
    }
  }
  return {id, CheckResult::pass, "the vTPM is one that the policy accepts"};
}

std::string svsm_claims_json(const SvsmVerification& svsm) {
  json::object out;
  if (svsm.endorsement_key) out["endorsement_key"] = to_hex(svsm.endorsement_key->name);
  return json::serialize(out);
}

}  // namespace attestd
