// Requests to attestd's socket, over connections that are kept. Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <string>

#include "base/result.h"

namespace attestd::gateway {

struct AgentRequest {
  std::string method;
  std::string target;
  std::string body{};           // JSON, or empty
  std::string if_none_match{};  // an entity tag, or empty
};

struct AgentResponse {
  unsigned status = 0;
  std::string content_type;
  std::string body;
  std::string cache_control;
  std::string etag;
  std::string age;
  std::string retry_after;
  std::string allow;
};

class AgentClient {
 public:
  // `timeout`: for an answer, from its request on. At most `most_idle` connections are kept.
  AgentClient(const boost::asio::any_io_executor& executor, std::string socket, std::chrono::milliseconds timeout,
              std::size_t most_idle)
      : executor_(executor), socket_(std::move(socket)), timeout_(timeout), most_idle_(most_idle), tidy_up_(executor) {}

  // Whatever attestd answers. A connection has one request at a time, and is kept only
  // after a whole answer: no answer can become another request's. Errors: unavailable
  // (nobody listens, or hung up), timed_out, out_of_range (a bundle over 32 MiB, headers over 16 KiB).
  boost::asio::awaitable<Result<AgentResponse>> ask(AgentRequest request);

 private:
  using Socket = boost::asio::local::stream_protocol::socket;
  boost::asio::awaitable<Result<AgentResponse>> exchange(Socket& socket, const AgentRequest& request, bool& usable);

  void keep(Socket socket);
  // Closes what has lain idle for too long, and looks again while anything is left.
  void tidy_up();

  struct Idle {
    Socket socket;
    std::chrono::steady_clock::time_point since;
  };
  boost::asio::any_io_executor executor_;
  std::string socket_;
  std::chrono::milliseconds timeout_;
  std::size_t most_idle_;
  std::deque<Idle> idle_;  // the latest at the end, where they are taken from
  boost::asio::steady_timer tidy_up_;
};

}  // namespace attestd::gateway
