#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/digest.h"
#include "verifier/gcp.h"

namespace attestd {
namespace {

namespace json = boost::json;

struct OpensslDeleter {
  void operator()(BIO* handle) const { BIO_free_all(handle); }
  void operator()(X509* handle) const { X509_free(handle); }
  void operator()(BIGNUM* handle) const { BN_free(handle); }
};
using BioHandle = std::unique_ptr<BIO, OpensslDeleter>;
using X509Handle = std::unique_ptr<X509, OpensslDeleter>;

std::string name_text(const X509_NAME* name) {
  const BioHandle memory(BIO_new(BIO_s_mem()));
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string time_text(const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return "unreadable";
  return to_rfc3339(::timegm(&broken));
}

Bytes der(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  if (size < 0) return {};
  Bytes out = to_bytes(ByteView(reinterpret_cast<const std::byte*>(data), static_cast<std::size_t>(size)));
  OPENSSL_free(data);
  return out;
}

Bytes spki(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &data);
  if (size < 0) return {};
  Bytes out = to_bytes(ByteView(reinterpret_cast<const std::byte*>(data), static_cast<std::size_t>(size)));
  OPENSSL_free(data);
  return out;
}

std::string serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, OpensslDeleter> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  char* const hex = BN_bn2hex(number.get());
  std::string out = hex != nullptr ? hex : "";
  OPENSSL_free(hex);
  return out;
}

json::object describe_one(X509* certificate) {
  json::object out{{"subject", name_text(X509_get_subject_name(certificate))},
                   {"issuer", name_text(X509_get_issuer_name(certificate))},
                   {"serial", serial(certificate)},
                   {"not_before", time_text(X509_get0_notBefore(certificate))},
                   {"not_after", time_text(X509_get0_notAfter(certificate))},
                   {"sha256", to_hex(digest(HashAlgorithm::sha256, {der(certificate)}))},
                   {"spki_sha256", to_hex(digest(HashAlgorithm::sha256, {spki(certificate)}))}};
  // Borrowed from the certificate.
  if (const EVP_PKEY* const key = X509_get0_pubkey(certificate)) {
    const char* const algorithm = EVP_PKEY_get0_type_name(key);
    out["key"] =
        std::string(algorithm != nullptr ? algorithm : "unknown") + " " + std::to_string(EVP_PKEY_get_bits(key));
  }
  const auto instance = gce_instance_of(der(certificate));
  if (!instance) {
    out["gce_instance_problem"] = instance.error().text();
  } else if (*instance) {
    out["gce_instance"] = json::parse(gce_instance_json(**instance));
  }
  return out;
}

}  // namespace

Result<json::value> describe_certificates(ByteView bytes) {
  json::array certificates;
  if (as_text(bytes).find("-----BEGIN") != std::string_view::npos) {
    const BioHandle memory(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!memory) return fail(Errc::crypto, "OpenSSL cannot read from memory");
    while (const X509Handle certificate{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)}) {
      certificates.emplace_back(describe_one(certificate.get()));
    }
  } else {
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = data + bytes.size();
    while (data != end) {
      const X509Handle certificate(d2i_X509(nullptr, &data, static_cast<long>(end - data)));
      if (!certificate) {
        ERR_clear_error();
        const auto at = static_cast<std::size_t>(data - reinterpret_cast<const unsigned char*>(bytes.data()));
        return fail_at(Errc::malformed, at, "this is no X.509 certificate in DER");
      }
      certificates.emplace_back(describe_one(certificate.get()));
    }
  }
  ERR_clear_error();
  if (certificates.empty()) return fail(Errc::malformed, "no X.509 certificate in PEM or DER");
  return json::object{{"type", "certificate"}, {"certificates", std::move(certificates)}};
}

}  // namespace attestd
