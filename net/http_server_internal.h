// HTTP/1.1 over stream sockets, AF_UNIX or TCP: moves bytes, knows no resource. Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/fields.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "net/http_counters.h"
#include "net/problem.h"

namespace attestd::net {

inline constexpr std::size_t header_limit = std::size_t{8} * 1024;  // bytes

struct HttpRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // without its "?"; not decoded
  std::string body;
  boost::beast::http::fields fields;
  int socket = -1;  // for SO_PEERCRED
};

struct HttpResponse {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  std::shared_ptr<const std::string> tail;  // follows the body, when set
  std::string headers;                      // lines of their own, each with its "\r\n"
  std::string cache_control = "no-store";
  bool close = false;
};

HttpResponse problem_response(const Problem& problem);

struct HttpLimits {
  std::size_t body = 0;  // bytes
  unsigned connections = 0;
  std::chrono::milliseconds request{0};
  std::chrono::milliseconds idle{0};
};

class HttpServer {
 public:
  using Handler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;
  // What the administrator is to be told: one sentence, and whether it is that no
  // connection can be accepted.
  using Complain = std::function<void(const std::string& sentence, bool accepting)>;
  // `listener` listens already.
  HttpServer(const boost::asio::any_io_executor& executor, UniqueFd listener, HttpLimits limits, HttpCounters& counters,
             Handler handler, Complain complain);
  ~HttpServer();
  void start();
  // Takes no more connections, lets requests under way finish, closes idle
  // connections, and calls `done` when none is left.
  void drain(std::function<void()> done);

  struct Inner;

 private:
  std::shared_ptr<Inner> inner_;
};

}  // namespace attestd::net
