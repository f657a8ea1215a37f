#include "verifier/tdx_chain_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

std::string subject(const X509* certificate) { return x509::common_name(X509_get_subject_name(certificate)); }

}  // namespace

Result<void> check_intel_list(X509_CRL* list, X509* issuer, VerificationCache* cache) {
  if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0) {
    return fail(Errc::refused, "'" + subject(issuer) + "' may not sign revocation lists by its key usage");
  }
  ATTESTD_CHECK(x509::check_signature(x509::SignatureScheme::ecdsa_sha256, list, issuer, cache));
  if (x509::has_critical_extension(list)) {
    return fail(Errc::unsupported, "the revocation list of '" + subject(issuer) + "' has a critical extension");
  }
  return {};
}

namespace {

enum class Standing { clean, revoked, unknown, unusable };
struct Finding {
  Standing standing = Standing::unknown;
  std::string detail;
};

// What the lists of one issuer say of `certificates`, all of which it issued.
Finding look_up(X509* issuer, const std::vector<X509*>& certificates, const IntelPool& pool, std::int64_t at) {
  Finding out{Standing::unknown, "there is no revocation list of '" + subject(issuer) + "'"};
  for (const auto& list : pool.lists) {
    if (!x509::same_name(X509_CRL_get_issuer(list.get()), X509_get_subject_name(issuer))) continue;
    if (auto usable = check_intel_list(list.get(), issuer, pool.cache); !usable) {
      if (out.standing == Standing::unknown) out = {Standing::unusable, std::move(usable).error().message};
      continue;
    }
    // An old list still revokes.
    for (const X509* const certificate : certificates) {
      if (!x509::is_listed(list.get(), certificate)) continue;
      return {Standing::revoked, "certificate '" + subject(certificate) + "' is revoked by '" + subject(issuer) + "'"};
    }
    auto current = x509::check_validity(list.get(), at);
    if (current) {
      out = {Standing::clean, {}};
    } else if (out.standing != Standing::clean) {
      out = {Standing::unusable, std::move(current).error().message};
    }
  }
  return out;
}

}  // namespace

Check check_pck_revocation(const PckChain& chain, const std::vector<X509*>& signers, const IntelPool& pool,
                           std::int64_t at) {
  std::vector<X509*> by_root = signers;
  by_root.push_back(chain.intermediate);
  const Finding findings[] = {look_up(chain.intermediate, {chain.leaf}, pool, at),
                              look_up(chain.root, by_root, pool, at)};
  for (const Standing worst : {Standing::revoked, Standing::unusable, Standing::unknown}) {
    for (const Finding& finding : findings) {
      if (finding.standing != worst) continue;
      // A list that was given and is nobody's may have been made so.
      const bool none_given = pool.lists.empty() && pool.unreadable_lists == 0;
      const bool skipped = worst == Standing::unknown && none_given;
      return {"tdx.revocation", skipped ? CheckResult::skipped : CheckResult::fail, finding.detail};
    }
  }
  return {"tdx.revocation", CheckResult::pass,
          "current lists of '" + subject(chain.intermediate) + "' and '" + subject(chain.root) +
              "' name no certificate of this chain"};
}

}  // namespace attestd
