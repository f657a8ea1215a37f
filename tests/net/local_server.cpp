#include "tests/net/local_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/file.h"

namespace attestd::test {

struct LocalServer::State {
  std::function<Answer(const SeenRequest&)> respond;
  UniqueFd listener, stop;
  std::uint16_t port = 0;
  std::mutex mutex;
  std::vector<SeenRequest> seen;
  std::vector<std::jthread> connections;  // touched by `acceptor` only, and after it ended
  std::jthread acceptor;

  // True when `fd` is ready, false when the server is to stop.
  [[nodiscard]] bool wait(int fd, short events) const {
    std::array<pollfd, 2> both{{{fd, events, 0}, {stop.get(), POLLIN, 0}}};
    while (::poll(both.data(), both.size(), -1) < 0) {
    }
    return both[1].revents == 0;
  }

  bool send_all(int fd, std::string_view bytes) const {
    while (!bytes.empty()) {
      if (!wait(fd, POLLOUT)) return false;
      const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno == EAGAIN) continue;
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // False when the peer hangs up first.
  bool read_request(int fd, SeenRequest& request) const {
    std::string text;
    std::size_t body_begin = std::string::npos, wanted = 0;
    while (body_begin == std::string::npos || text.size() < body_begin + wanted) {
      std::array<char, 4096> chunk{};
      if (!wait(fd, POLLIN)) return false;
      const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
      if (count <= 0) return false;
      text.append(chunk.data(), static_cast<std::size_t>(count));
      if (body_begin != std::string::npos) continue;
      if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) {
        body_begin = end + 4;
        request.head = text.substr(0, end + 2);
        if (const auto length = request.head.find("Content-Length: "); length != std::string::npos) {
          wanted = std::strtoul(request.head.c_str() + length + 16, nullptr, 10);
        }
      }
    }
    request.body = text.substr(body_begin);
    const auto space = request.head.find(' ');
    request.method = request.head.substr(0, space);
    request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
    return true;
  }

  void serve(UniqueFd fd) {
    SeenRequest request;
    if (!read_request(fd.get(), request)) return;
    {
      const std::lock_guard lock(mutex);
      seen.push_back(request);
    }
    const Answer reply = respond(request);
    if (!send_all(fd.get(), reply.raw)) return;
    const std::string filler(std::min<std::uint64_t>(reply.filler, 65536), 'x');
    for (std::uint64_t left = reply.filler; left > 0;) {
      const auto piece = std::min<std::uint64_t>(left, filler.size());
      if (!send_all(fd.get(), std::string_view(filler).substr(0, piece))) return;
      left -= piece;
    }
    if (reply.hang) std::ignore = wait(fd.get(), 0);
  }

  void accept_all() {
    while (wait(listener.get(), POLLIN)) {
      UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd)
        connections.emplace_back([this, held = std::make_shared<UniqueFd>(std::move(fd))] { serve(std::move(*held)); });
    }
  }
};

Answer answer(int status, std::string_view body, std::string_view headers) {
  Answer out;
  out.raw = "HTTP/1.1 " + std::to_string(status) +
            " -\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
            std::string(headers) + "\r\n" + std::string(body);
  return out;
}

LocalServer::LocalServer(std::function<Answer(const SeenRequest&)> respond) : state_(std::make_unique<State>()) {
  state_->respond = std::move(respond);
  state_->listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  state_->stop = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const int fd = state_->listener.get();
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 16) != 0 || ::getsockname(fd, generic, &size) != 0) {
    std::abort();
  }
  state_->port = ntohs(address.sin_port);
  state_->acceptor = std::jthread([state = state_.get()] { state->accept_all(); });
}

LocalServer::~LocalServer() {
  const std::uint64_t one = 1;
  if (::write(state_->stop.get(), &one, sizeof one) != sizeof one) std::abort();
  state_->acceptor.join();
  state_->connections.clear();
}

std::string LocalServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }

std::vector<SeenRequest> LocalServer::seen() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

}  // namespace attestd::test
