#include "verifier/snp_chain_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
Result<void> check_snp_list(X509_CRL* list, const SnpChain& chain, std::int64_t at) {
  if ((X509_get_key_usage(chain.root) & KU_CRL_SIGN) == 0) {
    return fail(Errc::refused, "root '" + chain.root_name + "' may not sign revocation lists by its key usage");
  }
  ATTESTD_CHECK(x509::check_signature(x509::SignatureScheme::rsa_pss_sha384, list, chain.root, chain.cache));
  if (x509::has_critical_extension(list)) {
    return fail(Errc::unsupported, "the revocation list of '" + chain.root_name + "' has a critical extension");
  }
  return x509::check_validity(list, at);
}

Check check_snp_revocation(X509* leaf, const SnpChain& chain, const SnpCertificatePool& pool, std::int64_t at) {
  Check out{"snp.revocation", CheckResult::skipped, {}};
  if (pool.lists.empty()) {
    out.detail = "no revocation list was given";
    return out;
  }
  std::optional<Error> reason;
  std::size_t current = 0;
  for (const auto& list : pool.lists) {
    if (!x509::same_name(X509_CRL_get_issuer(list.get()), X509_get_subject_name(chain.root))) continue;
    auto usable = check_snp_list(list.get(), chain, at);
    // An old list still revokes: only a list that the root did not sign is nothing.
    if (!usable && usable.error().code != Errc::expired) {
      if (!reason) reason = std::move(usable).error();
      continue;
    }
    // AMD's leaves all have serial 0 and another issuer, so the list is about
    // intermediates; should it ever name a leaf's serial, we refuse it.
    for (const X509* const certificate :
         {static_cast<const X509*>(chain.intermediate), static_cast<const X509*>(leaf)}) {
      if (!x509::is_listed(list.get(), certificate)) continue;
      out.result = CheckResult::fail;
      out.detail = "certificate '" + x509::common_name(X509_get_subject_name(certificate)) + "' is revoked by '" +
                   chain.root_name + "'";
      return out;
    }
    if (usable) {
      ++current;
    } else if (!reason) {
      reason = std::move(usable).error();
    }
  }
  if (current > 0) {
    out.result = CheckResult::pass;
    out.detail = "a current revocation list of '" + chain.root_name + "' names neither the leaf nor its issuer";
  } else if (reason) {
    out.result = CheckResult::fail;
    out.detail = std::move(reason)->message;
  } else {
    out.detail =
        "none of the " + std::to_string(pool.lists.size()) + " revocation lists given is by '" + chain.root_name + "'";
  }
  return out;
}

}  // namespace attestd
