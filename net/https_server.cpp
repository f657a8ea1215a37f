#include "net/https_server_internal.h"

#include <openssl/ssl.h>

#include <boost/asio/ssl/stream.hpp>
#include <string_view>

#include "net/http_session_internal.h"

namespace attestd::net {
namespace {

using TlsStream = asio::ssl::stream<Socket>;

constexpr std::chrono::milliseconds goodbye_time{1000};

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
  auto channel = tls_channel(connection, SSL_get_certificate(connection));
  if (!channel) throw std::runtime_error(channel.error().text());
  session.set_channel(std::make_shared<const TlsChannel>(*std::move(channel)));
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
  // Sessions are resumed by tickets, which we need not remember.
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
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
