#include "verifier/snp_endorsement_check.h"

#include <algorithm>

#include "verifier/snp_chain_internal.h"
#include "verifier/snp_extensions_internal.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

Result<std::int64_t> end_of(const X509* certificate) {
  const auto time = x509::unix_time(X509_get0_notAfter(certificate));
  if (!time) return fail(Errc::malformed, "a certificate has no readable end of validity");
  return *time;
}

// The chain from the one intermediate in the pool for which there is a trusted root.
Result<SnpChain> find_issuers(const SnpCertificatePool& pool, const TrustRoots& roots) {
  std::optional<Error> reason;
  for (const auto& candidate : pool.issuers) {
    if (snp_issuer_kind(candidate.get()).empty()) continue;
    auto chain = find_snp_root(candidate.get(), pool, roots);
    if (chain) return chain;
    if (!reason) reason = std::move(chain).error();
  }
  if (reason) return std::unexpected(*std::move(reason));
  return fail(Errc::not_found, "there is no issuer of VCEKs or VLEKs (ASK, ASVK) among the certificates");
}

}  // namespace

Result<SnpIssuersFacts> check_snp_issuer_set(const SnpEndorsements& set, const TrustRoots& roots, std::int64_t at) {
  ATTESTD_TRY(const SnpCertificatePool pool, parse_snp_pool(set, roots));
  ATTESTD_TRY(const SnpChain chain, find_issuers(pool, roots));
  const std::string kind(snp_issuer_kind(chain.intermediate));
  ATTESTD_CHECK(check_snp_issuers(chain, kind, at));
  ATTESTD_TRY(const std::int64_t intermediate_end, end_of(chain.intermediate));
  ATTESTD_TRY(const std::int64_t root_end, end_of(chain.root));
  return SnpIssuersFacts{chain.product, kind, std::min(intermediate_end, root_end)};
}

Result<SnpLeafFacts> check_snp_leaf(ByteView der, const SnpEndorsements& issuers, const TrustRoots& roots,
                                    std::int64_t at) {
  ATTESTD_TRY(const openssl::Certificate leaf, x509::parse_certificate(der));
  const std::string kind(snp_leaf_kind(leaf.get()));
  if (kind.empty()) return fail(Errc::malformed, "a certificate that is neither a VCEK nor a VLEK");
  ATTESTD_TRY(const SnpCertificatePool pool, parse_snp_pool(issuers, roots));
  ATTESTD_TRY(const SnpChain chain, find_snp_chain(leaf.get(), pool, roots));
  ATTESTD_CHECK(check_snp_chain(leaf.get(), chain, kind, at));
  ATTESTD_TRY(SnpLeafExtensions extensions, parse_snp_extensions(leaf.get()));
  if (extensions.product != chain.product) {
    return fail(Errc::mismatch, "the certificate's product '" + extensions.product_name + "' is not its root's");
  }
  if (kind == "VCEK" && !extensions.hardware_id) {
    return fail(Errc::malformed, "the VCEK certificate has no hardware ID");
  }
  ATTESTD_TRY(const std::int64_t end, end_of(leaf.get()));
  return SnpLeafFacts{chain.product, kind, std::move(extensions.hardware_id), snp_tcb_of(extensions, chain.product),
                      end};
}

Result<SnpListFacts> check_snp_list(ByteView der, const SnpEndorsements& issuers, const TrustRoots& roots,
                                    std::int64_t at) {
  ATTESTD_TRY(const openssl::Crl list, x509::parse_crl(der));
  ATTESTD_TRY(const SnpCertificatePool pool, parse_snp_pool(issuers, roots));
  ATTESTD_TRY(const SnpChain chain, find_issuers(pool, roots));
  if (!x509::same_name(X509_CRL_get_issuer(list.get()), X509_get_subject_name(chain.root))) {
    return fail(Errc::mismatch, "the revocation list is not by '" + chain.root_name + "'");
  }
  ATTESTD_CHECK(check_snp_list(list.get(), chain, at));
  const auto from = x509::unix_time(X509_CRL_get0_lastUpdate(list.get()));
  const auto until = x509::unix_time(X509_CRL_get0_nextUpdate(list.get()));
  return SnpListFacts{chain.product, from.value_or(0), until.value_or(0)};
}

std::optional<std::int64_t> snp_list_made_at(ByteView der) {
  const auto list = x509::parse_crl(der);
  if (!list) return std::nullopt;
  return x509::unix_time(X509_CRL_get0_lastUpdate(list->get()));
}

}  // namespace attestd
