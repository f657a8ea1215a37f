#include <openssl/rsa.h>

#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/snp_certificate_builder_internal.h"

namespace attestd::sim {
namespace {

using openssl::failure;

// RSASSA-PSS, MGF1 by the same hash, salt of 48 bytes: AMD 57230 table 9.
constexpr int pss_salt_size = 48;

Result<openssl::DigestContext> pss_context(EVP_PKEY* key, bool sha256) {
  openssl::DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), &key_context, sha256 ? EVP_sha256() : EVP_sha384(), nullptr, key) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, pss_salt_size) != 1) {
    return failure("cannot prepare an RSA-PSS signature");
  }
  return context;
}

CertificateSpec spec_of(const CertificateRequest& request) {
  const auto name = [](const std::string& common_name) -> CertificateSpec::Name {
    return {{"OU", "Engineering"},      {"C", "US"},        {"L", "Santa Clara"}, {"ST", "CA"},
            {"O", "attestd simulator"}, {"CN", common_name}};
  };
  CertificateSpec out;
  out.serial = request.serial;
  out.issuer = name(request.issuer);
  out.subject = name(request.subject);
  out.not_before = request.not_before;
  out.not_after = request.not_after;
  out.key = request.key;
  return out;
}

Bytes der_integer(std::uint8_t value) {
  Writer writer;
  writer.u8(V_ASN1_INTEGER);
  // A first bit of one would make it negative.
  if (value >= 0x80) {
    writer.u8(2).u8(0);
  } else {
    writer.u8(1);
  }
  return writer.u8(value).take();
}

Bytes der_ia5_string(std::string_view text) {
  return Writer().u8(V_ASN1_IA5STRING).u8(static_cast<std::uint8_t>(text.size())).raw(as_bytes(text)).take();
}

// AMD 57230 tables 10 and 11. The hardware ID alone has no inner DER type.
std::vector<std::pair<std::string, Bytes>> amd_extensions(const SnpSignerOptions& options) {
  const bool turin = options.product == SnpProduct::turin;
  const bool vlek = options.signing_key == SnpSigningKey::vlek;
  std::string product(snp_product_name(options.product));
  if (!vlek) product += "-B0";
  if (!options.defects.product_name.empty()) product = options.defects.product_name;
  std::vector<std::pair<std::string, Bytes>> out;
  const auto add = [&out](std::string_view arc, Bytes value) {
    out.emplace_back("1.3.6.1.4.1.3704.1." + std::string(arc), std::move(value));
  };
  add("1", der_integer(turin ? 1 : 0));
  add("2", der_ia5_string(product));
  add("3.1", der_integer(options.tcb.bootloader));
  add("3.2", der_integer(options.tcb.tee));
  for (const std::string_view spare : {"3.4", "3.5", "3.6", "3.7"}) add(spare, der_integer(0));
  add("3.3", der_integer(options.tcb.snp));
  add("3.8", der_integer(options.tcb.microcode));
  if (turin) add("3.9", der_integer(options.tcb.fmc.value_or(0)));
  if (vlek) {
    add("5", der_ia5_string(options.csp_id));
  } else {
    add("4", to_bytes(ByteView(options.chip_id).first(turin ? 8 : 64)));
  }
  return out;
}

Result<openssl::Certificate> build_pss(const CertificateSpec& spec, const CertificateRequest& request) {
  ATTESTD_TRY(openssl::Certificate out, build_unsigned_certificate(spec));
  ATTESTD_TRY(const openssl::DigestContext context, pss_context(request.issuer_key, request.sha256));
  if (X509_sign_ctx(out.get(), context.get()) <= 0) {
    return failure("cannot sign the certificate of " + request.subject);
  }
  return out;
}

}  // namespace

Result<openssl::Certificate> build_ca(const CertificateRequest& request, CaKind kind) {
  const char* constraints = "critical,CA:TRUE,pathlen:0";
  if (kind == CaKind::root) constraints = "critical,CA:TRUE";
  if (kind == CaKind::none) constraints = "critical,CA:FALSE";
  const char* const usage = kind == CaKind::root ? "critical,keyCertSign,cRLSign" : "critical,keyCertSign";
  CertificateSpec spec = spec_of(request);
  spec.extensions = {
      {NID_key_usage, usage}, {NID_subject_key_identifier, "hash"}, {NID_basic_constraints, constraints}};
  return build_pss(spec, request);
}

Result<openssl::Certificate> build_leaf(const CertificateRequest& request, const SnpSignerOptions& options) {
  CertificateSpec spec = spec_of(request);
  if (!options.defects.no_extensions) spec.other_extensions = amd_extensions(options);
  return build_pss(spec, request);
}

Result<openssl::Crl> build_crl(X509* issuer, EVP_PKEY* issuer_key, const std::vector<std::uint64_t>& serials,
                               std::int64_t this_update, std::int64_t next_update) {
  openssl::Crl out(X509_CRL_new());
  const openssl::Time from(ASN1_TIME_set(nullptr, this_update));
  const openssl::Time to(ASN1_TIME_set(nullptr, next_update));
  if (out == nullptr || from == nullptr || to == nullptr || X509_CRL_set_version(out.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(out.get(), X509_get_subject_name(issuer)) != 1 ||
      X509_CRL_set1_lastUpdate(out.get(), from.get()) != 1 || X509_CRL_set1_nextUpdate(out.get(), to.get()) != 1) {
    return failure("cannot build the revocation list");
  }
  for (const std::uint64_t serial : serials) {
    openssl::Revoked entry(X509_REVOKED_new());
    const openssl::Integer number(ASN1_INTEGER_new());
    if (entry == nullptr || number == nullptr || ASN1_INTEGER_set_uint64(number.get(), serial) != 1 ||
        X509_REVOKED_set_serialNumber(entry.get(), number.get()) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), from.get()) != 1 ||
        X509_CRL_add0_revoked(out.get(), entry.get()) != 1) {
      return failure("cannot build the revocation list");
    }
    [[maybe_unused]] X509_REVOKED* const owned = entry.release();  // the list owns it now
  }
  if (EVP_PKEY_get_base_id(issuer_key) == EVP_PKEY_EC) {
    if (X509_CRL_sign(out.get(), issuer_key, EVP_sha256()) <= 0) return failure("cannot sign the revocation list");
    return out;
  }
  ATTESTD_TRY(const openssl::DigestContext context, pss_context(issuer_key, false));
  if (X509_CRL_sign_ctx(out.get(), context.get()) <= 0) return failure("cannot sign the revocation list");
  return out;
}

}  // namespace attestd::sim
