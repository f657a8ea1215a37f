#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "net/http_session_internal.h"

namespace attestd::net {
namespace {

constexpr std::chrono::milliseconds accept_pause{100};  // when there is no descriptor left

Protocol family_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return {address.ss_family, 0};
}

// Whom to count a connection for. A network of IPv6 is one asker: RFC 6177 gives a
// site at least 64 bits to choose from.
std::string peer_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
  }
  if (address.ss_family == AF_INET6) {
    in6_addr network = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&network)) return ::inet_ntop(AF_INET, &network.s6_addr[12], text.data(), text.size());
    std::fill(std::begin(network.s6_addr) + 8, std::end(network.s6_addr), std::uint8_t{0});
    return std::string(::inet_ntop(AF_INET6, &network, text.data(), text.size())) + "/64";
  }
  if (address.ss_family == AF_VSOCK) {
    return "vsock:" + std::to_string(reinterpret_cast<const sockaddr_vm&>(address).svm_cid);
  }
  return "local";
}

asio::awaitable<void> serve_plain(std::shared_ptr<HttpServer::Inner> server, std::string address, Socket socket,
                                  bool full) {
  Session<Socket> session(server, std::move(address), std::move(socket));
  co_await session.run(full);
}

asio::awaitable<void> serve(std::shared_ptr<HttpServer::Inner> server, std::string address, Socket socket, bool full) {
  try {
    auto serving = server->transport ? server->transport(server, std::move(address), std::move(socket), full)
                                     : serve_plain(server, std::move(address), std::move(socket), full);
    co_await std::move(serving);
  } catch (const std::exception& exception) {
    server->complain(std::string("a connection failed: ") + exception.what(), false);
  }
}

// One of Inner::serving.
class Serving {
 public:
  explicit Serving(std::shared_ptr<HttpServer::Inner> server) : server_(std::move(server)) { ++server_->serving; }
  Serving(Serving&&) = default;
  Serving& operator=(Serving&&) = delete;
  ~Serving() {
    if (server_ == nullptr) return;
    --server_->serving;
    server_->tell_if_drained();
  }

 private:
  std::shared_ptr<HttpServer::Inner> server_;
};

asio::awaitable<void> serve_counted(Serving /*counted*/, std::shared_ptr<HttpServer::Inner> server, std::string address,
                                    Socket socket, bool full) {
  co_await serve(server, std::move(address), std::move(socket), full);
}

// What to do with a new connection: serve it, tell it that there is no room, or close
// it in silence, since telling costs a descriptor too.
void admit(const std::shared_ptr<HttpServer::Inner>& server, Socket socket) {
  const HttpLimits& limits = server->limits;
  std::string address = peer_address(socket.native_handle());
  const auto count = server->by_address.find(address);
  const std::size_t own = count == server->by_address.end() ? 0 : count->second;
  if (limits.connections_per_address != 0 && own >= limits.connections_per_address) {
    ++server->counters->turned_away;
    return;
  }
  const bool full = server->sessions.size() >= limits.connections && !server->make_room(address);
  if (full) ++server->counters->turned_away;
  if (server->sessions.size() >= std::size_t{2} * limits.connections) return;
  asio::co_spawn(server->executor, serve_counted(Serving(server), server, std::move(address), std::move(socket), full),
                 asio::detached);
}

asio::awaitable<void> accept_all(std::shared_ptr<HttpServer::Inner> server, Serving /*counted*/) {
  asio::steady_timer pause(server->executor);
  while (!server->draining) {
    error_code error;
    Socket socket = co_await server->acceptor.async_accept(into(error));
    if (!error) {
      admit(server, std::move(socket));
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

bool HttpServer::Inner::make_room(std::string_view newcomer) {
  if (limits.connections_per_address == 0) return false;
  SessionBase* chosen = nullptr;
  std::size_t most = 0;
  for (SessionBase* const session : sessions) {
    if (!session->idle() || session->leaving()) continue;
    const std::size_t count = by_address.find(session->address())->second;
    if (chosen != nullptr && (count < most || (count == most && session->idle_since() >= chosen->idle_since())))
      continue;
    chosen = session;
    most = count;
  }
  if (chosen == nullptr || (most > 1 && chosen->address() == newcomer)) return false;
  chosen->leave();
  return true;
}

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
                       HttpCounters& counters, Handler handler, Complain complain, Transport transport)
    : inner_(std::make_shared<Inner>(executor, Acceptor(executor, family_of(listener.get()), listener.get()), limits,
                                     &counters, std::move(handler), std::move(complain), std::move(transport))) {
  (void)listener.release();  // the acceptor's now
}

// Sessions may outlive the server until the loop goes; nobody is to be told then.
HttpServer::~HttpServer() { inner_->drained = nullptr; }

void HttpServer::start() { asio::co_spawn(inner_->executor, accept_all(inner_, Serving(inner_)), asio::detached); }

void HttpServer::drain(std::function<void()> done) {
  inner_->draining = true;
  error_code ignored;
  inner_->acceptor.close(ignored);
  inner_->drained = std::move(done);
  inner_->tell_if_drained();
  for (SessionBase* const session : inner_->sessions) {
    if (session->idle()) session->finish();
  }
}

}  // namespace attestd::net
