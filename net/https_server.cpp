#include "net/https_server_internal.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/stream.hpp>
#include <string_view>

#include "evidence/digest.h"
#include "net/http_session_internal.h"

namespace attestd::net {
namespace {

using TlsStream = asio::ssl::stream<Socket>;

constexpr std::string_view exporter_label = "EXPORTER-Channel-Binding";  // RFC 9266 section 2
constexpr std::size_t exporter_size = 32;                                // bytes
constexpr std::chrono::milliseconds goodbye_time{1000};

Bytes exporter_of(SSL* connection) {
  Bytes out(exporter_size);
  const int done = SSL_export_keying_material(connection, reinterpret_cast<unsigned char*>(out.data()), out.size(),
                                              exporter_label.data(), exporter_label.size(), nullptr, 0, 0);
  if (done != 1) throw std::runtime_error("OpenSSL exports no keying material of a TLS connection");
  return out;
}

Bytes spki_sha256_of(SSL* connection) {
  const X509* const certificate = SSL_get_certificate(connection);
  unsigned char* der = nullptr;
  const int size = certificate == nullptr ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) throw std::runtime_error("a TLS connection has no certificate of ours");
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(der, [](unsigned char* p) { OPENSSL_free(p); });
  return digest(HashAlgorithm::sha256, {{reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)}});
}

asio::awaitable<void> serve_tls(std::shared_ptr<HttpServer::Inner> server, std::string address, Socket socket,
                                bool full, std::shared_ptr<asio::ssl::context> context,
                                std::chrono::milliseconds handshake) {
  Session<TlsStream> session(server, std::move(address), std::move(socket), *context);
  const error_code error = co_await session.shake_hands(asio::ssl::stream_base::server, handshake);
  if (error) {
    ++server->counters->handshakes_failed;
    co_return;
  }
  SSL* const connection = session.stream().native_handle();
  session.set_channel(std::make_shared<const TlsChannel>(spki_sha256_of(connection), exporter_of(connection)));
  co_await session.run(full);
  co_await session.say_goodbye(goodbye_time);
}

}  // namespace

HttpServer::Transport over_tls(TlsContexts contexts, std::chrono::milliseconds handshake) {
  return [contexts = std::move(contexts), handshake](std::shared_ptr<HttpServer::Inner> server, std::string address,
                                                     Socket socket, bool full) {
    return serve_tls(std::move(server), std::move(address), std::move(socket), full, contexts(), handshake);
  };
}

std::shared_ptr<asio::ssl::context> tls_server_context() {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const handle = context->native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_3_VERSION);
  SSL_CTX_set_max_early_data(handle, 0);
  SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);
  const auto select = [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                         unsigned int offered_size, void*) -> int {
    static constexpr std::string_view http = "\x08http/1.1";  // RFC 7301 section 3.1
    unsigned char* protocol = nullptr;
    const int found = SSL_select_next_proto(&protocol, size, reinterpret_cast<const unsigned char*>(http.data()),
                                            http.size(), offered, offered_size);
    *chosen = protocol;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  };
  SSL_CTX_set_alpn_select_cb(handle, select, nullptr);
  return context;
}

}  // namespace attestd::net
