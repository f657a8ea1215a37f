#include "net/tls_channel.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>

#include "base/openssl_internal.h"
#include "evidence/digest.h"

namespace attestd::net {
namespace {

constexpr std::string_view exporter_label = "EXPORTER-Channel-Binding";  // RFC 9266 section 2
constexpr std::size_t exporter_size = 32;                                // bytes

}  // namespace

Result<TlsChannel> tls_channel(SSL* connection, const X509* server) {
  if (SSL_version(connection) != TLS1_3_VERSION) return fail(Errc::unsupported, "the connection is not TLS 1.3");
  if (server == nullptr) return fail(Errc::crypto, "the TLS server showed no certificate");
  const Bytes key = openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(server));
  if (key.empty()) return openssl::failure("cannot encode the TLS server's key");
  TlsChannel out{digest(HashAlgorithm::sha256, {key}), Bytes(exporter_size)};
  if (SSL_export_keying_material(connection, openssl::writable(out.exporter), out.exporter.size(),
                                 exporter_label.data(), exporter_label.size(), nullptr, 0, 0) != 1) {
    return openssl::failure("OpenSSL exports no keying material of a TLS connection");
  }
  return out;
}

}  // namespace attestd::net
