// TLS 1.3 under an HttpServer. Asio and OpenSSL are in here.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "net/http_server_internal.h"

namespace attestd::net {

// The context for the next connection; it may be another one each time.
using TlsContexts = std::function<std::shared_ptr<boost::asio::ssl::context>()>;

// A handshake has `handshake`. The requests carry the channel.
HttpServer::Transport over_tls(TlsContexts contexts, std::chrono::milliseconds handshake);

// A context for a server: TLS 1.3 alone, no early data (it could be replayed), and no
// key yet.
std::shared_ptr<boost::asio::ssl::context> tls_server_context();

}  // namespace attestd::net
