#include "verifier/tdx_collateral_check.h"

#include <algorithm>

#include "evidence/dcap_collateral.h"
#include "evidence/td_quote.h"
#include "verifier/tdx.h"
#include "verifier/tdx_chain_internal.h"
#include "verifier/x509_internal.h"
#include "verifier/x509_objects_internal.h"

namespace attestd {
namespace {

Result<IntelPool> pool_of(ByteView bytes, const TrustRoots& roots) {
  ATTESTD_TRY(const TdQuote quote, parse_td_quote(bytes));
  std::vector<Bytes> certificates;
  std::vector<Bytes> lists;
  ATTESTD_CHECK(x509::add_objects(quote.pck_chain, certificates, lists));
  return parse_intel_pool(certificates, {}, roots);
}

Result<X509*> only_leaf(const IntelPool& pool) {
  const std::vector<X509*> leaves = pck_leaves(pool);
  if (leaves.size() == 1) return leaves.front();
  return fail(leaves.empty() ? Errc::not_found : Errc::malformed,
              "the quote has " + std::to_string(leaves.size()) + " PCK certificates, not one");
}

// The error of a check that did not pass.
Result<void> require(const TdxVerification& verification, std::string_view id) {
  const auto check = std::ranges::find(verification.checks, id, &Check::id);
  if (check != verification.checks.end() && check->result == CheckResult::pass) return {};
  // The first failure is the cause: without a chain nothing after it was judged.
  for (const Check& one : verification.checks) {
    const bool earlier = one.id == "tdx.signature" || one.id == "tdx.qe" || one.id == "tdx.chain" || one.id == id;
    if (earlier && one.result != CheckResult::pass) return fail(Errc::refused, one.id + ": " + one.detail);
  }
  return fail(Errc::refused, std::string(id) + " was not made");
}

}  // namespace

Result<TdxPlatform> tdx_platform_of(ByteView quote) {
  ATTESTD_TRY(const IntelPool pool, pool_of(quote, {}));
  ATTESTD_TRY(X509* const leaf, only_leaf(pool));
  ATTESTD_TRY(const PckExtensions extensions, pck_extensions_of(leaf));
  const std::string issuer = x509::common_name(X509_get_issuer_name(leaf));
  if (issuer.ends_with("Intel SGX PCK Platform CA")) return TdxPlatform{extensions.fmspc, "platform"};
  if (issuer.ends_with("Intel SGX PCK Processor CA")) return TdxPlatform{extensions.fmspc, "processor"};
  return fail(Errc::malformed, "the issuer of the PCK certificate is neither the Platform CA nor the Processor CA");
}

Result<std::int64_t> check_tdx_tcb_info(ByteView json, const std::vector<Bytes>& certificates, ByteView quote,
                                        const TrustRoots& roots, std::int64_t at) {
  const TdxCollateral collateral{{to_bytes(json)}, {}, certificates, {}};
  ATTESTD_CHECK(require(verify_tdx(quote, collateral, roots, at), "tdx.tcb-info"));
  ATTESTD_TRY(const SignedDcapJson document, parse_signed_dcap_json(as_text(json)));
  ATTESTD_TRY(const TdxTcbInfo info, parse_tdx_tcb_info(document.body));
  return info.next_update;
}

Result<std::int64_t> check_tdx_qe_identity(ByteView json, const std::vector<Bytes>& certificates, ByteView quote,
                                           const TrustRoots& roots, std::int64_t at) {
  const TdxCollateral collateral{{}, {to_bytes(json)}, certificates, {}};
  ATTESTD_CHECK(require(verify_tdx(quote, collateral, roots, at), "tdx.qe-identity"));
  ATTESTD_TRY(const SignedDcapJson document, parse_signed_dcap_json(as_text(json)));
  ATTESTD_TRY(const TdxQeIdentity identity, parse_tdx_qe_identity(document.body));
  return identity.next_update;
}

Result<std::int64_t> check_intel_list(ByteView der, IntelListIssuer issuer, ByteView quote, const TrustRoots& roots,
                                      std::int64_t at) {
  ATTESTD_TRY(const openssl::Crl list, x509::parse_crl(der));
  ATTESTD_TRY(const IntelPool pool, pool_of(quote, roots));
  ATTESTD_TRY(X509* const leaf, only_leaf(pool));
  ATTESTD_TRY(const PckChain chain, find_pck_chain(leaf, pool, roots));
  X509* const by = issuer == IntelListIssuer::root ? chain.root : chain.intermediate;
  if (!x509::same_name(X509_CRL_get_issuer(list.get()), X509_get_subject_name(by))) {
    return fail(Errc::mismatch, "the revocation list is not by '" + x509::common_name(X509_get_subject_name(by)) + "'");
  }
  ATTESTD_CHECK(check_intel_list(list.get(), by));
  ATTESTD_CHECK(x509::check_validity(list.get(), at));
  const auto until = x509::unix_time(X509_CRL_get0_nextUpdate(list.get()));
  return until.value_or(0);
}

}  // namespace attestd
