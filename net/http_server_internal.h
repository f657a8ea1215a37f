// HTTP/1.1 over stream sockets, AF_UNIX or TCP: moves bytes, knows no resource. Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/http/fields.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "net/http_counters.h"
#include "net/problem.h"
#include "net/server_limits.h"
#include "net/tls_channel.h"

namespace attestd::net {

inline constexpr std::size_t header_limit = std::size_t{8} * 1024;  // bytes

struct HttpRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // without its "?"; not decoded
  std::string body;
  boost::beast::http::fields fields;
  int socket = -1;                            // for SO_PEERCRED
  std::string address;                        // who asks: "192.0.2.1", "2001:db8::/64", "vsock:3", "local"
  std::shared_ptr<const TlsChannel> channel;  // the TLS connection it came over, if any
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::shared_ptr<const std::string> tail;  // follows the body, when set
  std::string headers;                      // lines of their own, each with its "\r\n"
  std::string cache_control = "no-store";
  bool close = false;
};

HttpResponse problem_response(const Problem& problem);

using StreamSocket = boost::asio::generic::stream_protocol::socket;

struct HttpLimits {
  // `body`: bytes.
  static HttpLimits of(const ServerLimits& limits, std::size_t body) {
    return {.body = body,
            .connections = limits.connections,
            .connections_per_address = limits.connections_per_address,
            .request = limits.request_timeout,
            .answer = limits.answer_timeout,
            .idle = limits.idle_timeout};
  }

  std::size_t body = 0;  // bytes
  unsigned connections = 0;
  // Above 0: of one address, or of one /64 of IPv6; further ones are closed at once.
  // When there is no room an idle connection of the address with most makes way.
  unsigned connections_per_address = 0;
  std::chrono::milliseconds request{0};  // for the header and the body to arrive
  std::chrono::milliseconds answer{0};   // for an answer to be taken
  std::chrono::milliseconds idle{0};     // between two requests
};

class HttpServer {
 public:
  using Handler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;
  // What the administrator is to be told: one sentence, and whether it is that no
  // connection can be accepted.
  using Complain = std::function<void(const std::string& sentence, bool accepting)>;
  struct Inner;
  // How bytes go over a connection: as they are by default, or over_tls().
  using Transport =
      std::function<boost::asio::awaitable<void>(std::shared_ptr<Inner>, std::string address, StreamSocket, bool full)>;
  // `listener` listens already.
  HttpServer(const boost::asio::any_io_executor& executor, UniqueFd listener, HttpLimits limits, HttpCounters& counters,
             Handler handler, Complain complain, Transport transport = {});
  ~HttpServer();
  void start();
  // Takes no more connections, lets requests under way finish, closes idle
  // connections, and calls `done` when none is left.
  void drain(std::function<void()> done);

 private:
  std::shared_ptr<Inner> inner_;
};

}  // namespace attestd::net
