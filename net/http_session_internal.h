// A connection of an HttpServer, over a stream of Asio's. For .cpp files only: one
// instantiates it over sockets, another over TLS, so that who serves a local socket
// has no TLS in it.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <type_traits>

#include "net/asio_into_internal.h"
#include "net/http_server_internal.h"

namespace attestd::net {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

inline constexpr std::chrono::milliseconds linger_time{2000};
inline constexpr std::chrono::milliseconds expiry_interval{20};
inline constexpr std::chrono::milliseconds last_chance{2000};
inline constexpr std::size_t linger_bytes = std::size_t{4} << 20U;

class SessionBase {
 public:
  explicit SessionBase(std::string address) : address_(std::move(address)) {}
  virtual ~SessionBase() = default;
  SessionBase(const SessionBase&) = delete;
  SessionBase& operator=(const SessionBase&) = delete;
  [[nodiscard]] const std::string& address() const { return address_; }
  // Whether no request of it is under way.
  [[nodiscard]] bool idle() const { return idle_since_.has_value(); }
  // Since when, by the steady clock. Only of an idle one.
  [[nodiscard]] std::chrono::steady_clock::time_point idle_since() const { return *idle_since_; }
  // Told to close: it is not there for long.
  [[nodiscard]] bool leaving() const { return leaving_; }
  void leave() {
    leaving_ = true;
    expire_after(std::chrono::milliseconds(0));
  }
  // The server ends: who has not asked anything yet, because the connection is new, may do so soon.
  void finish() {
    if (served_) {
      leave();
    } else {
      expire_after(last_chance);
    }
  }

 protected:
  // What the connection waits for ends then, as after a deadline.
  virtual void expire_after(std::chrono::milliseconds after) = 0;
  bool served_ = false;  // a request, or it is under way
  void set_idle(bool idle) {
    if (idle) {
      idle_since_ = std::chrono::steady_clock::now();
    } else {
      idle_since_.reset();
    }
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> idle_since_;
  bool leaving_ = false;
  std::string address_;
};

struct HttpServer::Inner {
  asio::any_io_executor executor;
  Acceptor acceptor;
  HttpLimits limits;
  HttpCounters* counters;
  Handler handler;
  Complain complain;
  Transport transport;
  std::set<SessionBase*> sessions{};
  std::map<std::string, std::size_t, std::less<>> by_address{};
  bool draining = false;
  std::function<void()> drained{};
  // Connections that are served or about to be, and the coroutine that accepts them.
  std::size_t serving = 0;

  void began(SessionBase* session) {
    sessions.insert(session);
    ++by_address[session->address()];
    counters->open = sessions.size();
    ++counters->total;
  }
  void ended(SessionBase* session) {
    sessions.erase(session);
    const auto count = by_address.find(session->address());
    if (--count->second == 0) by_address.erase(count);
    counters->open = sessions.size();
  }
  void tell_if_drained() {
    if (draining && serving == 0 && drained) std::exchange(drained, nullptr)();
  }
  // Closes an idle connection: of the address that has most, and among equals the one that has lain
  // idle for longest, so that who asks at once is done before its turn comes. False when there is
  // none, or when it would be one of the newcomer's several.
  bool make_room(std::string_view newcomer);
};

// `Stream`: Socket, or something over it that has a lowest_layer().
template <class Stream>
class Session final : public SessionBase {
 public:
  template <class... Arguments>
  Session(std::shared_ptr<HttpServer::Inner> server, std::string address, Socket socket, Arguments&&... arguments)
      : SessionBase(std::move(address)),
        server_(std::move(server)),
        stream_(std::move(socket), std::forward<Arguments>(arguments)...),
        timer_(server_->executor) {
    server_->began(this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override { server_->ended(this); }

  [[nodiscard]] Stream& stream() { return stream_; }
  // Of each request, from the handshake on.
  void set_channel(std::shared_ptr<const TlsChannel> channel) { channel_ = std::move(channel); }

  // Those of a TLS stream. The connection counts as idle meanwhile.
  asio::awaitable<error_code> shake_hands(auto side, std::chrono::milliseconds limit) {
    error_code error;
    set_idle(true);
    set_deadline(limit);
    co_await stream_.async_handshake(side, into(error));
    set_idle(false);
    timer_.cancel();
    co_return error;
  }
  asio::awaitable<void> say_goodbye(std::chrono::milliseconds limit) {
    error_code ignored;
    set_idle(true);
    set_deadline(limit);
    co_await stream_.async_shutdown(into(ignored));
  }

  // Requests until the end; `full`: only the answer that there is no room.
  asio::awaitable<void> run(bool full) {
    if (full) {
      co_await turn_away();
      co_return;
    }
    // Not in the loop's condition: g++ 12 makes wrong code of a co_await behind &&.
    bool more = true;
    while (more && (!server_->draining || !served_)) more = co_await serve_one();
  }

 private:
  static constexpr std::size_t first_read = 4096;  // bytes
  static constexpr bool plain = std::is_same_v<Stream, Socket>;
  Socket& lowest() {
    if constexpr (plain) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
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

  // After the deadline the operation that waits fails with operation_aborted.
  void set_deadline(std::chrono::milliseconds after) {
    timed_out_ = false;
    expire_after(after);
  }
  // Again and again until another deadline is set or the timer cancelled: at one moment there may
  // be nothing to cancel, because what was waited for has just come, and the next wait would
  // have no deadline.
  void expire_after(std::chrono::milliseconds after) override {
    timer_.expires_after(after);
    timer_.async_wait([this, alive = std::weak_ptr<int>(alive_)](const error_code& error) {
      if (error || alive.expired()) return;
      timed_out_ = true;
      error_code ignored;
      lowest().cancel(ignored);
      expire_after(expiry_interval);
    });
  }
  // False when the connection is to be closed.
  asio::awaitable<bool> serve_one() {
    error_code error;
    if (buffer_.size() == 0) {
      set_idle(true);
      set_deadline(server_->draining ? last_chance : server_->limits.idle);
      if constexpr (plain) {
        co_await stream_.async_wait(Socket::wait_read, into(error));
      } else {
        // What has come may be decrypted already: only reading tells.
        const std::size_t got = co_await stream_.async_read_some(buffer_.prepare(first_read), into(error));
        buffer_.commit(got);
      }
      set_idle(false);
      if (error || (leaving() && !server_->draining)) co_return false;
    }
    set_deadline(server_->limits.request);
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(server_->limits.body);
    co_await http::async_read_header(stream_, buffer_, parser, into(error));
    if (!error && !parser.is_done()) {
      if (parser.get()[http::field::expect] == "100-continue") {
        co_await asio::async_write(stream_, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")),
                                   into(error));
      }
      if (!error) co_await http::async_read(stream_, buffer_, parser, into(error));
    }
    if (error) {
      co_await refuse(error);
      co_return false;
    }
    timer_.cancel();
    served_ = true;
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
                        lowest().native_handle(),
                        address(),
                        channel_};
    HttpResponse response = co_await server_->handler(std::move(request));
    response.close = response.close || !keep_alive || server_->draining;
    set_deadline(server_->limits.answer);
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
               error.category() != make_error_code(http::error::bad_method).category()) {
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
    lowest().shutdown(Socket::shutdown_send, error);
    std::array<char, 16384> scrap{};
    std::size_t total = 0;
    while (!error && total < linger_bytes) {
      total += co_await lowest().async_read_some(asio::buffer(scrap), into(error));
    }
  }

  asio::awaitable<bool> write(const HttpResponse& response, bool head) {
    ++server_->counters->answers[response.status];
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
    co_await asio::async_write(stream_, pieces, into(error));
    co_return !error;
  }

  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::shared_ptr<HttpServer::Inner> server_;
  Stream stream_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_{header_limit + 4096};
  std::shared_ptr<const TlsChannel> channel_;
  bool timed_out_ = false;
};

}  // namespace attestd::net
