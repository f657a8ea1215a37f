#include "net/tls_identity.h"

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>

#include "base/openssl_internal.h"
#include "evidence/digest.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::net;

TEST_CASE("a made certificate is signed by its key, lasts as it should, and carries the evidence") {
  auto identity = TlsIdentity::make();
  REQUIRE(identity);
  constexpr std::int64_t now = 1764000000;
  REQUIRE(identity->certify(now, 86400, R"({"a":"b"})"));
  const auto context = identity->context();
  REQUIRE(context);
  X509* const certificate = SSL_CTX_get0_certificate((*context)->native_handle());
  REQUIRE(certificate != nullptr);
  CHECK(X509_verify(certificate, X509_get0_pubkey(certificate)) == 1);
  std::time_t inside = now;
  std::time_t outside = now + 86401;
  CHECK(X509_cmp_time(X509_get0_notAfter(certificate), &inside) > 0);
  CHECK(X509_cmp_time(X509_get0_notAfter(certificate), &outside) < 0);
  CHECK(identity->spki_sha256() ==
        digest(HashAlgorithm::sha256, {openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(certificate))}));
  const openssl::Object oid(OBJ_txt2obj(std::string(cmw_extension_oid).c_str(), 1));
  const int place = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
  REQUIRE(place >= 0);
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(certificate, place));
  const std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                         static_cast<std::size_t>(ASN1_STRING_length(value)));
  CHECK(text == "\x0c\x09{\"a\":\"b\"}");  // UTF8String
}

TEST_CASE("two keys are two, and a renewed certificate has the same key and another serial number") {
  auto one = TlsIdentity::make();
  const auto other = TlsIdentity::make();
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->spki_sha256() != other->spki_sha256());
  const auto serial = [&] {
    REQUIRE(one->certify(1764000000, 60, {}));
    const auto context = one->context();
    REQUIRE(context);
    const X509* const certificate = SSL_CTX_get0_certificate((*context)->native_handle());
    const openssl::Number number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    const std::unique_ptr<char, void (*)(char*)> hex(BN_bn2hex(number.get()), [](char* p) { OPENSSL_free(p); });
    return std::string(hex.get());
  };
  const Bytes key = one->spki_sha256();
  CHECK(serial() != serial());
  CHECK(one->spki_sha256() == key);
}

TEST_CASE("a certificate file that is not there is named") {
  const auto identity = TlsIdentity::load("/no/such/cert.pem", "/no/such/key.pem");
  REQUIRE_FALSE(identity);
  CHECK(identity.error().code == Errc::not_found);
  CHECK_THAT(identity.error().message, Catch::Contains("/no/such/cert.pem"));
}
