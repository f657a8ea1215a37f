#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <memory>
#include <utility>

#include "evidence/bundle.h"
#include "gateway/agent_client_internal.h"
#include "net/asio_into_internal.h"

namespace attestd::gateway {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code, net::into;

namespace {

constexpr std::chrono::seconds longest_idle{5};                        // below attestd's idle-timeout
constexpr std::size_t read_size = std::size_t{32} * 1024;              // bytes
constexpr std::size_t response_header_limit = std::size_t{16} * 1024;  // bytes

http::request<http::string_body> message_of(const AgentRequest& request) {
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, "attestd");
  if (!request.if_none_match.empty()) message.set(http::field::if_none_match, request.if_none_match);
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

AgentResponse response_of(http::response<http::string_body> message) {
  const auto field = [&](http::field name) { return std::string(message[name]); };
  AgentResponse out{message.result_int(),
                    field(http::field::content_type),
                    {},
                    field(http::field::cache_control),
                    field(http::field::etag),
                    field(http::field::age),
                    field(http::field::retry_after),
                    field(http::field::allow)};
  out.body = std::move(message.body());
  return out;
}

}  // namespace

asio::awaitable<Result<AgentResponse>> AgentClient::ask(AgentRequest request) {
  // attestd may have closed a connection that lay idle: one that is new decides.
  for (bool fresh = false;; fresh = true) {
    Socket socket(executor_);
    if (!fresh && !idle_.empty()) {
      socket = std::move(idle_.back().socket);
      idle_.pop_back();
    } else {
      fresh = true;
      error_code error;
      co_await socket.async_connect(asio::local::stream_protocol::endpoint(socket_), into(error));
      if (error) {
        co_return fail(Errc::unavailable, "attestd does not answer at " + socket_ + ": " + error.message());
      }
    }
    bool usable = false;
    auto response = co_await exchange(socket, request, usable);
    if (usable) keep(std::move(socket));
    if (response || fresh || response.error().code != Errc::unavailable) co_return response;
  }
}

void AgentClient::keep(Socket socket) {
  if (idle_.size() >= most_idle_) return;
  idle_.push_back({std::move(socket), std::chrono::steady_clock::now()});
  if (idle_.size() == 1) tidy_up();
}

void AgentClient::tidy_up() {
  const auto now = std::chrono::steady_clock::now();
  while (!idle_.empty() && now - idle_.front().since >= longest_idle) idle_.pop_front();
  if (idle_.empty()) return;
  tidy_up_.expires_at(idle_.front().since + longest_idle);
  tidy_up_.async_wait([this](const error_code& error) {
    if (!error) tidy_up();
  });
}

asio::awaitable<Result<AgentResponse>> AgentClient::exchange(Socket& socket, const AgentRequest& request,
                                                             bool& usable) {
  const auto timed_out = std::make_shared<bool>(false);
  asio::steady_timer timer(executor_, timeout_);
  timer.async_wait([&socket, flag = std::weak_ptr<bool>(timed_out)](const error_code& error) {
    const auto alive = flag.lock();  // as the socket is
    if (error || !alive) return;
    *alive = true;
    error_code ignored;
    socket.cancel(ignored);
  });
  const auto message = message_of(request);
  error_code error;
  co_await http::async_write(socket, message, into(error));
  http::response_parser<http::string_body> parser;
  parser.header_limit(response_header_limit);
  parser.body_limit(bundle_max_size);
  boost::beast::flat_buffer buffer;
  // While attestd makes evidence nothing is held for it; then it is read in few pieces: Beast
  // by itself begins with 512 bytes.
  if (!error) co_await socket.async_wait(Socket::wait_read, into(error));
  if (!error) {
    buffer.reserve(read_size);
    co_await http::async_read(socket, buffer, parser, into(error));
  }
  timer.cancel();
  if (*timed_out) co_return fail(Errc::timed_out, "attestd gave no answer in time");
  if (error == http::error::body_limit || error == http::error::header_limit) {
    co_return fail(Errc::out_of_range, "attestd's answer is too large");
  }
  if (error) co_return fail(Errc::unavailable, "attestd hung up: " + error.message());
  usable = parser.keep_alive() && buffer.size() == 0;
  co_return response_of(parser.release());
}

}  // namespace attestd::gateway
