// HTTP/1.1 over an AF_UNIX socket: moves bytes, knows no resource. Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/metrics.h"
#include "agent/problem.h"
#include "base/file.h"

namespace attestd::agent {

inline constexpr std::size_t header_limit = std::size_t{8} * 1024;  // bytes

struct HttpRequest {
  std::string method;
  std::string path;  // without the query
  std::string body;
  std::string if_none_match;  // RFC 9110 section 13.1.2, as it came
  int socket = -1;            // for SO_PEERCRED
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
  // `listener` listens already.
  HttpServer(const boost::asio::any_io_executor& executor, UniqueFd listener, HttpLimits limits, Metrics& metrics,
             Handler handler);
  ~HttpServer();
  void start();
  // Takes no more connections, lets requests under way finish, closes idle
  // connections, and calls `done` when none is left.
  void drain(std::function<void()> done);

  struct Inner;

 private:
  std::shared_ptr<Inner> inner_;
};

}  // namespace attestd::agent
