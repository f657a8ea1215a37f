#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <set>

#include "net/http_server_internal.h"

namespace attestd::net {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

namespace {
auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

constexpr std::chrono::milliseconds accept_pause{100};  // when there is no descriptor left
constexpr std::chrono::milliseconds linger_time{2000};
constexpr std::size_t linger_bytes = std::size_t{4} << 20U;

Protocol family_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return {address.ss_family, 0};
}

class Session;
}  // namespace

struct HttpServer::Inner {
  asio::any_io_executor executor;
  Acceptor acceptor;
  HttpLimits limits;
  HttpCounters* counters;
  Handler handler;
  Complain complain;
  std::set<Session*> sessions;
  bool draining = false;
  std::function<void()> drained;

  void ended(Session* session) {
    sessions.erase(session);
    counters->open = sessions.size();
    if (draining && sessions.empty() && drained) std::exchange(drained, nullptr)();
  }
};

namespace {

class Session {
 public:
  Session(std::shared_ptr<HttpServer::Inner> server, Socket socket)
      : server_(std::move(server)), socket_(std::move(socket)), timer_(server_->executor) {
    server_->sessions.insert(this);
    server_->counters->open = server_->sessions.size();
    ++server_->counters->total;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { server_->ended(this); }

  asio::awaitable<void> run() {
    // Not in the loop's condition: g++ 12 makes wrong code of a co_await behind &&.
    bool more = true;
    while (more && !server_->draining) more = co_await serve_one();
  }

  // A connection beyond the limit hears why, and is closed.
  asio::awaitable<void> turn_away() {
    const Problem problem{problems::overloaded, "there are as many connections as there may be; try again", {}};
    HttpResponse response = problem_response(problem);
    response.close = true;
    set_deadline(linger_time);
    co_await write(response, false);
    co_await linger();
  }

  void close_if_idle() {
    if (idle_) cancel();
  }

 private:
  // After the deadline the operation that waits fails with operation_aborted.
  void set_deadline(std::chrono::milliseconds after) {
    timed_out_ = false;
    timer_.expires_after(after);
    timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const error_code& error) {
      if (error || alive.expired()) return;
      timed_out_ = true;
      cancel();
    });
  }
  void cancel() {
    error_code ignored;
    socket_.cancel(ignored);
  }

  // False when the connection is to be closed.
  asio::awaitable<bool> serve_one() {
    error_code error;
    if (buffer_.size() == 0) {
      idle_ = true;
      set_deadline(server_->limits.idle);
      co_await socket_.async_wait(Socket::wait_read, into(error));
      idle_ = false;
      if (error) co_return false;
    }
    set_deadline(server_->limits.request);
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(server_->limits.body);
    co_await http::async_read_header(socket_, buffer_, parser, into(error));
    if (!error && !parser.is_done()) {
      if (parser.get()[http::field::expect] == "100-continue") {
        co_await asio::async_write(socket_, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")),
                                   into(error));
      }
      if (!error) co_await http::async_read(socket_, buffer_, parser, into(error));
    }
    if (error) {
      co_await refuse(error);
      co_return false;
    }
    timer_.cancel();
    auto message = parser.release();
    const bool head = message.method() == http::verb::head;
    const bool keep_alive = message.keep_alive();
    const std::string target(message.target());
    const std::size_t question = std::min(target.find('?'), target.size());
    HttpRequest request{std::string(message.method_string()),
                        target.substr(0, question),
                        target.substr(std::min(question + 1, target.size())),
                        std::move(message.body()),
                        std::move(message.base()),
                        socket_.native_handle()};
    HttpResponse response = co_await server_->handler(std::move(request));
    response.close = response.close || !keep_alive || server_->draining;
    set_deadline(server_->limits.request);
    const bool written = co_await write(response, head);
    co_return written && !response.close;
  }

  asio::awaitable<void> refuse(const error_code& error) {
    Problem problem{problems::malformed_http, "the request cannot be read: " + error.message(), {}};
    if (timed_out_) {
      problem = {problems::request_timed_out, "the request was not complete in time", {}};
    } else if (error == http::error::body_limit) {
      problem = {
          problems::body_too_large, "the request body may have " + std::to_string(server_->limits.body) + " bytes", {}};
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      problem = {
          problems::header_too_large, "the request header may have " + std::to_string(header_limit) + " bytes", {}};
    } else if (error == http::error::end_of_stream || error == http::error::partial_message ||
               error.category() == asio::error::get_system_category() || error == asio::error::eof) {
      co_return;  // hung up: nobody is there to be told
    }
    HttpResponse response = problem_response(problem);
    response.close = true;
    set_deadline(linger_time);
    const bool written = co_await write(response, false);
    if (written) co_await linger();
  }

  // Reads what the client still sends: closing on unread bytes would look like a
  // broken connection to it, and it might not read our answer.
  asio::awaitable<void> linger() {
    error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    std::array<char, 16384> scrap{};
    std::size_t total = 0;
    while (!error && total < linger_bytes) {
      total += co_await socket_.async_read_some(asio::buffer(scrap), into(error));
    }
  }

  asio::awaitable<bool> write(const HttpResponse& response, bool head) {
    const std::string_view tail = response.tail ? std::string_view(*response.tail) : std::string_view();
    const http::status status = http::int_to_status(response.status);
    std::string start =
        "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(http::obsolete_reason(status)) + "\r\n";
    // RFC 9110 section 15.4.5: it has no content, and is about another response's.
    if (status != http::status::not_modified) {
      start += "Content-Type: " + std::string(response.content_type) +
               "\r\nContent-Length: " + std::to_string(response.body.size() + tail.size()) + "\r\n";
    }
    start += "Cache-Control: " + response.cache_control + "\r\n" + (response.close ? "Connection: close\r\n" : "") +
             response.headers + "\r\n";
    std::array<asio::const_buffer, 3> pieces = {asio::buffer(start), asio::buffer(response.body), asio::buffer(tail)};
    if (head) pieces[1] = pieces[2] = {};
    error_code error;
    co_await asio::async_write(socket_, pieces, into(error));
    co_return !error;
  }

  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::shared_ptr<HttpServer::Inner> server_;
  Socket socket_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_{header_limit + 4096};
  bool idle_ = false;
  bool timed_out_ = false;
};

asio::awaitable<void> run_session(std::shared_ptr<HttpServer::Inner> server, Socket socket) {
  try {
    const bool full = server->sessions.size() >= server->limits.connections;
    Session session(server, std::move(socket));
    if (full) {
      co_await session.turn_away();
    } else {
      co_await session.run();
    }
  } catch (const std::exception& exception) {
    server->complain(std::string("a connection failed: ") + exception.what(), false);
  }
}

asio::awaitable<void> accept_all(std::shared_ptr<HttpServer::Inner> server) {
  asio::steady_timer pause(server->executor);
  while (!server->draining) {
    error_code error;
    Socket socket = co_await server->acceptor.async_accept(into(error));
    if (!error) {
      // Twice the limit is turned away in silence: telling costs a descriptor too.
      if (server->sessions.size() < std::size_t{2} * server->limits.connections) {
        asio::co_spawn(server->executor, run_session(server, std::move(socket)), asio::detached);
      }
      continue;
    }
    if (server->draining || error == asio::error::operation_aborted) co_return;
    if (error == asio::error::connection_aborted) continue;
    server->complain("cannot accept a connection: " + error.message(), true);
    pause.expires_after(accept_pause);
    co_await pause.async_wait(into(error));
  }
}

}  // namespace

HttpResponse problem_response(const Problem& problem) {
  HttpResponse response;
  response.status = problem.kind.status;
  response.content_type = problem_media_type;
  response.body = problem_json(problem);
  if (problem.kind.retry_after != 0) {
    response.headers += "Retry-After: " + std::to_string(problem.kind.retry_after) + "\r\n";
  }
  if (!problem.allow.empty()) response.headers += "Allow: " + problem.allow + "\r\n";
  return response;
}

HttpServer::HttpServer(const asio::any_io_executor& executor, UniqueFd listener, HttpLimits limits,
                       HttpCounters& counters, Handler handler, Complain complain)
    : inner_(std::make_shared<Inner>(executor, Acceptor(executor, family_of(listener.get()), listener.get()), limits,
                                     &counters, std::move(handler), std::move(complain))) {
  (void)listener.release();  // the acceptor's now
}

// Sessions may outlive the server until the loop goes; nobody is to be told then.
HttpServer::~HttpServer() { inner_->drained = nullptr; }

void HttpServer::start() { asio::co_spawn(inner_->executor, accept_all(inner_), asio::detached); }

void HttpServer::drain(std::function<void()> done) {
  inner_->draining = true;
  error_code ignored;
  inner_->acceptor.close(ignored);
  if (inner_->sessions.empty()) {
    done();
    return;
  }
  inner_->drained = std::move(done);
  for (Session* const session : inner_->sessions) session->close_if_idle();
}

}  // namespace attestd::net
