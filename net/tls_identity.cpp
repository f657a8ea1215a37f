#include "net/tls_identity.h"

#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/openssl_internal.h"
#include "base/random.h"
#include "base/regular_file.h"
#include "evidence/digest.h"
#include "net/https_server_internal.h"

namespace attestd::net {
namespace {

constexpr std::int64_t clock_skew_s = 3600;
constexpr std::size_t serial_size = 16;  // bytes; RFC 5280 section 4.1.2.2 allows 20

// Neither an empty name nor one that X.509 does not take (64 characters).
std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "attestd";
  return std::string(name.data()).substr(0, ub_common_name);
}

bool add_extension(X509* certificate, int nid, const char* value) {
  const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_cmw(X509* certificate, std::string_view cmw) {
  using Utf8 = openssl::Handle<ASN1_UTF8STRING, ASN1_UTF8STRING_free>;
  const openssl::Object oid(OBJ_txt2obj(std::string(cmw_extension_oid).c_str(), 1));
  const Utf8 text(ASN1_UTF8STRING_new());
  const openssl::OctetString value(ASN1_OCTET_STRING_new());
  if (oid == nullptr || text == nullptr || value == nullptr ||
      ASN1_STRING_set(text.get(), cmw.data(), static_cast<int>(cmw.size())) != 1) {
    return false;
  }
  const Bytes der = openssl::to_der(i2d_ASN1_UTF8STRING, text.get());
  if (ASN1_OCTET_STRING_set(value.get(), openssl::data(der), static_cast<int>(der.size())) != 1) return false;
  const openssl::Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, value.get()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  auto random = random_bytes(serial_size);
  if (!random) return false;
  random->front() &= std::byte{0x7f};  // positive
  const openssl::Number number(BN_bin2bn(openssl::data(*random), serial_size, nullptr));
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate) {
  const std::string name = host_name();
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const std::string alternative = "DNS:" + name;
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()),
                                    -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         add_extension(certificate, NID_subject_alt_name, alternative.c_str());
}

}  // namespace

struct TlsIdentity::Inner {
  openssl::Key key;
  openssl::Certificate certificate;
  // The operator's, whose chain OpenSSL reads itself.
  std::string certificate_file;
  std::string key_file;
};

TlsIdentity::TlsIdentity(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}
TlsIdentity::TlsIdentity(TlsIdentity&&) noexcept = default;
TlsIdentity& TlsIdentity::operator=(TlsIdentity&&) noexcept = default;
TlsIdentity::~TlsIdentity() = default;

Result<TlsIdentity> TlsIdentity::make() {
  auto inner = std::make_unique<Inner>();
  inner->key.reset(EVP_EC_gen("P-256"));
  if (inner->key == nullptr) return openssl::failure("cannot make a P-256 key");
  return TlsIdentity(std::move(inner));
}

Result<TlsIdentity> TlsIdentity::load(const std::string& certificate, const std::string& key) {
  for (const std::string& path : {certificate, key}) {
    ATTESTD_CHECK(open_regular_file(path));  // OpenSSL says less of why it cannot
  }
  auto inner = std::make_unique<Inner>();
  inner->certificate_file = certificate;
  inner->key_file = key;
  TlsIdentity out(std::move(inner));
  ATTESTD_TRY(const auto usable, out.context());
  X509* const leaf = SSL_CTX_get0_certificate(usable->native_handle());
  if (leaf == nullptr || X509_up_ref(leaf) != 1) return fail(Errc::malformed, certificate + " has no certificate");
  out.inner_->certificate.reset(leaf);
  return out;
}

Bytes TlsIdentity::spki_sha256() const {
  const Bytes der = inner_->key != nullptr
                        ? openssl::to_der(i2d_PUBKEY, inner_->key.get())
                        : openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(inner_->certificate.get()));
  return digest(HashAlgorithm::sha256, {der});
}

Result<void> TlsIdentity::certify(std::int64_t now, std::int64_t lifetime_s, std::string_view cmw) {
  openssl::Certificate certificate(X509_new());
  const auto set_time = [&](ASN1_TIME* time, std::int64_t at) { return ASN1_TIME_set(time, at) != nullptr; };
  const bool made = certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    set_serial(certificate.get()) && set_names(certificate.get()) &&
                    set_time(X509_getm_notBefore(certificate.get()), now - clock_skew_s) &&
                    set_time(X509_getm_notAfter(certificate.get()), now + lifetime_s) &&
                    X509_set_pubkey(certificate.get(), inner_->key.get()) == 1 &&
                    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature") &&
                    add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") &&
                    (cmw.empty() || add_cmw(certificate.get(), cmw)) &&
                    X509_sign(certificate.get(), inner_->key.get(), EVP_sha256()) != 0;
  if (!made) return openssl::failure("cannot make a certificate");
  inner_->certificate = std::move(certificate);
  return {};
}

Result<std::shared_ptr<boost::asio::ssl::context>> TlsIdentity::context() const {
  auto out = tls_server_context();
  SSL_CTX* const handle = out->native_handle();
  if (inner_->key != nullptr) {
    if (SSL_CTX_use_certificate(handle, inner_->certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(handle, inner_->key.get()) != 1) {
      return openssl::failure("cannot use the certificate that was made");
    }
    return out;
  }
  if (SSL_CTX_use_certificate_chain_file(handle, inner_->certificate_file.c_str()) != 1) {
    auto error = openssl::failure("cannot use " + inner_->certificate_file);
    error.error().code = Errc::malformed;
    return error;
  }
  if (SSL_CTX_use_PrivateKey_file(handle, inner_->key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool another = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    auto error = openssl::failure("cannot use " + inner_->key_file + " with " + inner_->certificate_file);
    error.error().code = another ? Errc::mismatch : Errc::malformed;
    return error;
  }
  return out;
}

}  // namespace attestd::net
