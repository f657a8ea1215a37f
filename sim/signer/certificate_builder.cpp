#include "sim/signer/certificate_builder_internal.h"

namespace attestd::sim {
namespace {

using openssl::failure;

bool set_name(X509_NAME* name, const CertificateSpec::Name& parts) {
  for (const auto& [field, value] : parts) {
    if (X509_NAME_add_entry_by_txt(name, field.c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()),
                                   -1, 0) != 1) {
      return false;
    }
  }
  return true;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_extension(X509* certificate, const std::string& oid, ByteView value) {
  const openssl::Object object(OBJ_txt2obj(oid.c_str(), 1));
  const openssl::OctetString octets(ASN1_OCTET_STRING_new());
  if (object == nullptr || octets == nullptr ||
      ASN1_OCTET_STRING_set(octets.get(), openssl::data(value), static_cast<int>(value.size())) != 1) {
    return false;
  }
  const openssl::Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, octets.get()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string last_of(const CertificateSpec::Name& name) { return name.empty() ? "nobody" : name.back().second; }

}  // namespace

Result<openssl::Certificate> build_unsigned_certificate(const CertificateSpec& spec) {
  openssl::Certificate out(X509_new());
  const openssl::Integer serial(ASN1_INTEGER_new());
  bool good = out != nullptr && serial != nullptr && X509_set_version(out.get(), X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(serial.get(), spec.serial) == 1 &&
              X509_set_serialNumber(out.get(), serial.get()) == 1 &&
              ASN1_TIME_set(X509_getm_notBefore(out.get()), spec.not_before) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(out.get()), spec.not_after) != nullptr &&
              set_name(X509_get_issuer_name(out.get()), spec.issuer) &&
              set_name(X509_get_subject_name(out.get()), spec.subject) && X509_set_pubkey(out.get(), spec.key) == 1;
  for (const auto& [nid, value] : spec.extensions) good = good && add_extension(out.get(), nid, value);
  for (const auto& [oid, value] : spec.other_extensions) good = good && add_extension(out.get(), oid, value);
  if (!good) return failure("cannot build the certificate of " + last_of(spec.subject));
  return out;
}

Result<openssl::Certificate> build_certificate(const CertificateSpec& spec) {
  ATTESTD_TRY(openssl::Certificate out, build_unsigned_certificate(spec));
  if (X509_sign(out.get(), spec.issuer_key, spec.hash) <= 0) {
    return failure("cannot sign the certificate of " + last_of(spec.subject));
  }
  return out;
}

Result<openssl::Key> make_ec_key(const char* curve) {
  openssl::Key key(EVP_EC_gen(curve));
  if (key == nullptr) return failure(std::string("cannot make a key on ") + curve);
  return key;
}

Result<Bytes> sign_ecdsa(EVP_PKEY* key, const EVP_MD* hash, ByteView message, std::size_t half) {
  const openssl::DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, openssl::data(message), message.size()) != 1) {
    return failure("cannot sign");
  }
  Bytes der(size);
  if (EVP_DigestSign(context.get(), openssl::writable(der), &size, openssl::data(message), message.size()) != 1) {
    return failure("cannot sign");
  }
  const unsigned char* cursor = openssl::data(der);
  const openssl::Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(size)));
  Bytes out(2 * half);
  const std::span<std::byte> halves(out);
  const int width = static_cast<int>(half);
  if (signature == nullptr ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), openssl::writable(halves.first(half)), width) != width ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), openssl::writable(halves.last(half)), width) != width) {
    return failure("cannot encode a signature");
  }
  return out;
}

}  // namespace attestd::sim
