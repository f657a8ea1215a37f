// Certificates of the vTPM's attestation key, such as Google's.
#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

constexpr std::string_view id = "tpm.ak-certificate";
constexpr std::string_view revocation = "tpm.ak-revocation";

std::vector<Bytes> pool_of(const Bundle& bundle, const Policy& policy, const AppraisalContext& context) {
  // Ours first: of the guest's many the rest may not be looked at.
  std::vector<Bytes> pool = policy.roots.vtpm;
  pool.insert(pool.end(), context.extra_endorsements.certificates.begin(),
              context.extra_endorsements.certificates.end());
  pool.insert(pool.end(), bundle.tpm->ak_chain.begin(), bundle.tpm->ak_chain.end());
  return pool;
}

Check check_certificate(Facts& facts, const Bundle& bundle, const AppraisalContext& context) {
  if (!facts.tpm->ak) return {std::string(id), CheckResult::skipped, "there is no readable attestation key"};
  auto verified = verify_tpm_key_certificate(bundle.tpm->ak_certificate, *facts.tpm->ak, TpmKeyUse::attestation,
                                             pool_of(bundle, facts.policy, context), facts.policy.roots, context.at);
  if (!verified) {
    const bool incomplete = verified.error().code == Errc::not_found;
    return {std::string(id), incomplete ? CheckResult::skipped : CheckResult::fail, verified.error().text()};
  }
  facts.ak_certificate = *std::move(verified);
  return {std::string(id), CheckResult::pass,
          "the attestation key is certified under " + escape_text(facts.ak_certificate->root_name) + " until " +
              facts.ak_certificate->not_after};
}

}  // namespace

void add_ak_certificate_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& /*root*/,
                               const AppraisalContext& context) {
  const bool there = facts.tpm && bundle.tpm && !bundle.tpm->ak_certificate.empty();
  if (there) facts.checks.push_back(check_certificate(facts, bundle, context));
  if (there) {
    facts.checks.push_back({std::string(revocation), CheckResult::skipped,
                            "revocation lists of the authorities that certify vTPMs' keys are not read: a revoked "
                            "certificate passes until it expires"});
  }
  if (facts.ak_certificate && facts.ak_certificate->simulated) facts.simulated = true;
  const bool names_instance = facts.ak_certificate && facts.ak_certificate->instance;
  if (!names_instance && facts.policy.gcp.demands_nothing()) return;
  facts.checks.push_back(check_gcp_instance(facts.ak_certificate ? &*facts.ak_certificate : nullptr, facts.policy.gcp));
}

void judge_ak_certificate(AnswerBuilder& answer, const Facts& facts) {
  for (const std::string_view check : {id, std::string_view("gcp.instance")}) {
    if (facts.find(check) != nullptr) demand(answer, facts, check);
  }
  if (!facts.passed(id)) return;
  std::string text = "the vTPM's attestation key is ";
  text += facts.ak_certificate->instance ? describe_gcp_instance(*facts.ak_certificate->instance) : "certified";
  answer.note("vtpm-certified", text + ", under " + escape_text(facts.ak_certificate->root_name));
  if (const Check* const check = facts.find(revocation); check != nullptr && check->result == CheckResult::skipped) {
    answer.note("vtpm-revocation-not-checked",
                "whether that certificate was revoked was not checked: " + check->detail);
  }
}

}  // namespace attestd
