#include "verifier/snp_chain_internal.h"

#include "verifier/x509_internal.h"

namespace attestd {
namespace {

// The host chooses how many certificates it sends and each may cost us a
// verification: honest chains have three.
constexpr std::size_t maximal_certificates = 32;
constexpr std::size_t maximal_lists = 16;
// 57230 section 3: all certificates and lists of AMD's.
constexpr auto scheme = x509::SignatureScheme::rsa_pss_sha384;

// Chains of our simulator have AMD's names with this before them; they end in
// a root that the user named, so the prefix gives nobody any trust.
std::string_view without_simulation_prefix(std::string_view name) {
  constexpr std::string_view prefix = "SIMULATED ";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name;
}

std::string subject(const X509* certificate) { return x509::common_name(X509_get_subject_name(certificate)); }
std::string issuer(const X509* certificate) { return x509::common_name(X509_get_issuer_name(certificate)); }

// KDS serves both issuers in one file: AMD 57230 section 4.
std::string where_to_get(std::string_view kind, std::string_view product) {
  const std::string service = kind == "VLEK" ? "vlek" : "vcek";
  return "AMD's KDS serves it: https://kdsintf.amd.com/" + service + "/v1/" + std::string(product) + "/cert_chain";
}

struct Intermediate {
  std::string_view kind;
  std::optional<SnpProduct> product;
};
// "SEV-Milan" issues VCEKs, "SEV-VLEK-Milan" VLEKs.
Intermediate intermediate_of(std::string_view name) {
  constexpr std::string_view vlek = "SEV-VLEK-";
  constexpr std::string_view vcek = "SEV-";
  name = without_simulation_prefix(name);
  if (name.starts_with(vlek)) return {"VLEK", snp_product_from_name(name.substr(vlek.size()))};
  if (name.starts_with(vcek)) return {"VCEK", snp_product_from_name(name.substr(vcek.size()))};
  return {};
}

struct Trust {
  std::string root_name;
  bool simulated = false;
};
// A pinned key is the vendor's, whether or not the user named it too.
std::optional<Trust> trust_in(const X509* root, const TrustRoots& roots) {
  const std::string spki = x509::spki_sha256_hex(root);
  for (const PinnedRoot& pinned : amd_roots()) {
    if (spki == pinned.spki_sha256) return Trust{std::string(pinned.name), false};
  }
  const Bytes der = openssl::to_der(i2d_X509, root);
  for (const Bytes& named : roots.named) {
    if (der == named) return Trust{subject(root), true};
  }
  return std::nullopt;
}

std::optional<SnpProduct> product_of_root(std::string_view name) {
  constexpr std::string_view prefix = "ARK-";
  name = without_simulation_prefix(name);
  if (!name.starts_with(prefix)) return std::nullopt;
  return snp_product_from_name(name.substr(prefix.size()));
}

bool issued_by(const X509* certificate, const X509* issuer_certificate) {
  return x509::same_name(X509_get_issuer_name(certificate), X509_get_subject_name(issuer_certificate));
}

// Keeps the first reason: the best candidate comes first.
void keep_first(std::optional<Error>& reason, Error error) {
  if (!reason) reason = std::move(error);
}

}  // namespace

std::string_view snp_issuer_kind(const X509* intermediate) { return intermediate_of(subject(intermediate)).kind; }

std::string_view snp_leaf_kind(const X509* leaf) {
  const std::string name = subject(leaf);
  const std::string_view plain = without_simulation_prefix(name);
  if (plain == "SEV-VCEK") return "VCEK";
  if (plain == "SEV-VLEK") return "VLEK";
  return {};
}

Result<SnpCertificatePool> parse_snp_pool(const SnpEndorsements& endorsements, const TrustRoots& roots,
                                          VerificationCache* cache) {
  if (endorsements.certificates.size() > maximal_certificates || endorsements.crls.size() > maximal_lists) {
    return fail(Errc::out_of_range,
                "there are more endorsements than the limit of 32 certificates and 16 revocation lists");
  }
  SnpCertificatePool out;
  out.cache = cache;
  const auto add = [&out, cache](ByteView der) {
    auto certificate = x509::parse_certificate(der, cache);
    if (!certificate) {
      ++out.unreadable;
      return;
    }
    const EVP_PKEY* const key = X509_get0_pubkey(certificate->get());
    ERR_clear_error();
    if (key == nullptr) {
      ++out.unreadable;
    } else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
      out.leaves.push_back(*std::move(certificate));
    } else {
      out.issuers.push_back(*std::move(certificate));
    }
  };
  for (const Bytes& der : endorsements.certificates) add(der);
  // Evidence need not bring the root that the verifier already holds.
  for (const Bytes& der : roots.named) add(der);
  for (const Bytes& der : endorsements.crls) {
    auto list = x509::parse_crl(der, cache);
    if (list) {
      out.lists.push_back(*std::move(list));
    } else {
      ++out.unreadable;
    }
  }
  return out;
}

Result<SnpChain> find_snp_root(X509* intermediate, const SnpCertificatePool& pool, const TrustRoots& roots) {
  std::optional<Error> reason;
  for (const auto& candidate : pool.issuers) {
    if (!issued_by(intermediate, candidate.get())) continue;
    const auto trust = trust_in(candidate.get(), roots);
    if (!trust) {
      keep_first(reason, Error{Errc::refused,
                               "root '" + subject(candidate.get()) + "' (SPKI SHA-256 " +
                                   x509::spki_sha256_hex(candidate.get()) +
                                   ") is neither a root of AMD's nor one that you named",
                               std::nullopt, 0});
      continue;
    }
    if (auto good = x509::check_signature(scheme, intermediate, candidate.get(), pool.cache); !good) {
      keep_first(reason, std::move(good).error());
      continue;
    }
    auto product = product_of_root(trust->root_name);
    // A named root may be called anything.
    if (!product && trust->simulated) product = intermediate_of(subject(intermediate)).product;
    if (!product) {
      keep_first(reason, Error{Errc::refused, "issuer '" + subject(intermediate) + "' names no known product",
                               std::nullopt, 0});
      continue;
    }
    return SnpChain{intermediate, candidate.get(), *product, trust->root_name, trust->simulated, pool.cache};
  }
  if (reason) return std::unexpected(*std::move(reason));
  return fail(Errc::not_found, "there is no root certificate (ARK) '" + issuer(intermediate) + "'; " +
                                   where_to_get(intermediate_of(subject(intermediate)).kind,
                                                without_simulation_prefix(issuer(intermediate)).starts_with("ARK-")
                                                    ? without_simulation_prefix(issuer(intermediate)).substr(4)
                                                    : "PRODUCT"));
}

Result<SnpChain> find_snp_chain(X509* leaf, const SnpCertificatePool& pool, const TrustRoots& roots) {
  std::optional<Error> reason;
  for (const auto& candidate : pool.issuers) {
    if (!issued_by(leaf, candidate.get())) continue;
    if (auto good = x509::check_signature(scheme, leaf, candidate.get(), pool.cache); !good) {
      keep_first(reason, std::move(good).error());
      continue;
    }
    auto chain = find_snp_root(candidate.get(), pool, roots);
    if (chain) return chain;
    keep_first(reason, std::move(chain).error());
  }
  if (reason) return std::unexpected(*std::move(reason));
  const std::string name = issuer(leaf);
  const auto product = intermediate_of(name).product;
  return fail(Errc::not_found, "there is no issuer certificate (" +
                                   std::string(snp_leaf_kind(leaf) == "VLEK" ? "ASVK" : "ASK") + ") '" + name + "'; " +
                                   where_to_get(snp_leaf_kind(leaf), product ? snp_product_name(*product) : "PRODUCT"));
}

Result<void> check_snp_chain(X509* leaf, const SnpChain& chain, std::string_view kind, std::int64_t at) {
  if (!x509::is_p384(X509_get0_pubkey(leaf))) return fail(Errc::refused, "the key of the report is not on P-384");
  ATTESTD_CHECK(x509::check_end_entity(leaf));
  ATTESTD_CHECK(check_snp_issuers(chain, kind, at));
  return x509::check_validity(leaf, at);
}

Result<void> check_snp_issuers(const SnpChain& chain, std::string_view kind, std::int64_t at) {
  for (X509* const ca : {chain.intermediate, chain.root}) {
    if (!x509::is_rsa4096(X509_get0_pubkey(ca))) {
      return fail(Errc::refused, "the key of '" + subject(ca) + "' is not RSA-4096");
    }
    ATTESTD_CHECK(x509::check_ca(ca));
  }
  if (!issued_by(chain.root, chain.root))
    return fail(Errc::refused, "root '" + subject(chain.root) + "' is not self-signed");
  ATTESTD_CHECK(x509::check_signature(scheme, chain.root, chain.root, chain.cache));
  const std::string name = subject(chain.intermediate);
  const Intermediate found = intermediate_of(name);
  if (found.kind != kind) return fail(Errc::refused, "issuer '" + name + "' does not issue " + std::string(kind) + "s");
  if (found.product != chain.product) {
    return fail(Errc::mismatch, "issuer '" + name + "' is not of the product of root '" + chain.root_name + "'");
  }
  for (const X509* const certificate : {chain.intermediate, chain.root}) {
    ATTESTD_CHECK(x509::check_validity(certificate, at));
  }
  return {};
}

}  // namespace attestd
