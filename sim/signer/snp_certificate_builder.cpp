#include <openssl/rsa.h>

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

bool add_name_part(X509_NAME* name, const char* field, int type, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, type, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool set_name(X509_NAME* name, const std::string& common_name) {
  return add_name_part(name, "OU", V_ASN1_UTF8STRING, "Engineering") &&
         add_name_part(name, "C", V_ASN1_PRINTABLESTRING, "US") &&
         add_name_part(name, "L", V_ASN1_UTF8STRING, "Santa Clara") &&
         add_name_part(name, "ST", V_ASN1_UTF8STRING, "CA") &&
         add_name_part(name, "O", V_ASN1_UTF8STRING, "attestd simulator") &&
         add_name_part(name, "CN", V_ASN1_UTF8STRING, common_name);
}

bool add_standard_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_amd_extension(X509* certificate, const std::string& arc, ByteView value) {
  const std::string oid = "1.3.6.1.4.1.3704.1." + arc;
  const openssl::Object object(OBJ_txt2obj(oid.c_str(), 1));
  const openssl::OctetString octets(ASN1_OCTET_STRING_new());
  if (object == nullptr || octets == nullptr ||
      ASN1_OCTET_STRING_set(octets.get(), openssl::data(value), static_cast<int>(value.size())) != 1) {
    return false;
  }
  const openssl::Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, octets.get()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
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
bool add_amd_extensions(X509* certificate, const SnpSignerOptions& options) {
  const bool turin = options.product == SnpProduct::turin;
  const bool vlek = options.signing_key == SnpSigningKey::vlek;
  std::string product(snp_product_name(options.product));
  if (!vlek) product += "-B0";
  if (!options.defects.product_name.empty()) product = options.defects.product_name;
  const struct {
    const char* arc;
    std::uint8_t value;
  } versions[] = {
      {"3.1", options.tcb.bootloader}, {"3.2", options.tcb.tee},      {"3.4", 0}, {"3.5", 0}, {"3.6", 0}, {"3.7", 0},
      {"3.3", options.tcb.snp},        {"3.8", options.tcb.microcode}};
  if (!add_amd_extension(certificate, "1", der_integer(turin ? 1 : 0))) return false;
  if (!add_amd_extension(certificate, "2", der_ia5_string(product))) return false;
  for (const auto& version : versions) {
    if (!add_amd_extension(certificate, version.arc, der_integer(version.value))) return false;
  }
  if (turin && !add_amd_extension(certificate, "3.9", der_integer(options.tcb.fmc.value_or(0)))) return false;
  if (vlek) return add_amd_extension(certificate, "5", der_ia5_string(options.csp_id));
  return add_amd_extension(certificate, "4", ByteView(options.chip_id).first(turin ? 8 : 64));
}

Result<openssl::Certificate> unsigned_certificate(const CertificateRequest& request) {
  openssl::Certificate out(X509_new());
  const openssl::Integer serial(ASN1_INTEGER_new());
  if (out == nullptr || serial == nullptr || X509_set_version(out.get(), X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_uint64(serial.get(), request.serial) != 1 ||
      X509_set_serialNumber(out.get(), serial.get()) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(out.get()), request.not_before) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(out.get()), request.not_after) == nullptr ||
      !set_name(X509_get_issuer_name(out.get()), request.issuer) ||
      !set_name(X509_get_subject_name(out.get()), request.subject) || X509_set_pubkey(out.get(), request.key) != 1) {
    return failure("cannot build the certificate of " + request.subject);
  }
  return out;
}

Result<void> sign_certificate(X509* certificate, const CertificateRequest& request) {
  ATTESTD_TRY(const openssl::DigestContext context, pss_context(request.issuer_key, request.sha256));
  if (X509_sign_ctx(certificate, context.get()) <= 0) {
    return failure("cannot sign the certificate of " + request.subject);
  }
  return {};
}

}  // namespace

Result<openssl::Certificate> build_ca(const CertificateRequest& request, CaKind kind) {
  ATTESTD_TRY(openssl::Certificate out, unsigned_certificate(request));
  const char* constraints = "critical,CA:TRUE,pathlen:0";
  if (kind == CaKind::root) constraints = "critical,CA:TRUE";
  if (kind == CaKind::none) constraints = "critical,CA:FALSE";
  const char* const usage = kind == CaKind::root ? "critical,keyCertSign,cRLSign" : "critical,keyCertSign";
  if (!add_standard_extension(out.get(), NID_key_usage, usage) ||
      !add_standard_extension(out.get(), NID_subject_key_identifier, "hash") ||
      !add_standard_extension(out.get(), NID_basic_constraints, constraints)) {
    return failure("cannot add the extensions of " + request.subject);
  }
  ATTESTD_CHECK(sign_certificate(out.get(), request));
  return out;
}

Result<openssl::Certificate> build_leaf(const CertificateRequest& request, const SnpSignerOptions& options) {
  ATTESTD_TRY(openssl::Certificate out, unsigned_certificate(request));
  if (!options.defects.no_extensions && !add_amd_extensions(out.get(), options)) {
    return failure("cannot add the extensions of " + request.subject);
  }
  ATTESTD_CHECK(sign_certificate(out.get(), request));
  return out;
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
