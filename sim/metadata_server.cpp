#include "sim/metadata_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

#include "base/file.h"

namespace attestd::sim {
namespace {

constexpr std::array<std::pair<std::string_view, MetadataFault>, 7> fault_names{{
    {"none", MetadataFault::none},
    {"absent", MetadataFault::absent},
    {"garbage", MetadataFault::garbage},
    {"huge", MetadataFault::huge},
    {"silent", MetadataFault::silent},
    {"redirect", MetadataFault::redirect},
    {"busy", MetadataFault::busy},
}};

constexpr std::size_t request_limit = std::size_t{64} << 10U;
constexpr std::size_t huge_size = std::size_t{100} << 20U;
constexpr int request_patience_ms = 10000;

std::string response(std::string_view status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
         std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::size_t content_length(std::string_view head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const auto at = head.find(name);
  std::size_t value = 0;
  if (at != std::string_view::npos) std::from_chars(head.data() + at + name.size(), head.data() + head.size(), value);
  return value;
}

class Server final : public MetadataServer {
 public:
  Server(UniqueFd listener, UniqueFd stop, std::uint16_t port, MetadataHandler handler)
      : listener_(std::move(listener)), stop_(std::move(stop)), port_(port), handler_(std::move(handler)) {
    thread_ = std::thread([this] { serve(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }

  [[nodiscard]] std::string url() const override { return "http://127.0.0.1:" + std::to_string(port_); }
  void set_fault(MetadataFault fault) override { fault_ = fault; }
  [[nodiscard]] std::uint64_t answered() const override { return answered_; }

 private:
  // Readable or writable before the time is up, and before the server shall end.
  [[nodiscard]] bool wait_for(int fd, short events, int timeout_ms) const {
    std::array<pollfd, 2> both{pollfd{fd, events, 0}, pollfd{stop_.get(), POLLIN, 0}};
    int ready = 0;
    do ready = ::poll(both.data(), both.size(), timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0 && both[1].revents == 0;
  }

  void serve() {
    while (wait_for(listener_.get(), POLLIN, -1)) {
      const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (peer) answer(peer.get());
    }
  }

  std::optional<MetadataRequest> read_request(int peer) const {
    std::string text;
    std::size_t end = std::string::npos;
    while (text.size() < request_limit) {
      end = text.find("\r\n\r\n");
      if (end != std::string::npos && text.size() >= end + 4 + content_length(text.substr(0, end + 2))) break;
      if (!wait_for(peer, POLLIN, request_patience_ms)) return std::nullopt;
      std::array<char, 4096> buffer{};
      const auto got = ::recv(peer, buffer.data(), buffer.size(), 0);
      if (got <= 0) return std::nullopt;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    const std::size_t first = text.find(' ');
    const std::size_t second = first == std::string::npos ? first : text.find(' ', first + 1);
    if (end == std::string::npos || second == std::string::npos) return std::nullopt;
    return MetadataRequest{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(end + 4)};
  }

  void send_all(int peer, std::string_view text) const {
    while (!text.empty() && wait_for(peer, POLLOUT, request_patience_ms)) {
      const auto sent = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void answer(int peer) {
    const auto request = read_request(peer);
    if (!request) return;
    ++answered_;
    switch (fault_.load()) {
      case MetadataFault::none: break;
      case MetadataFault::absent: return send_all(peer, response("404 Not Found", "", "{}"));
      case MetadataFault::garbage: return send_all(peer, response("200 OK", "", "<html>not now</html>"));
      case MetadataFault::huge: return send_all(peer, response("200 OK", "", std::string(huge_size, '{')));
      case MetadataFault::redirect:
        return send_all(peer, response("302 Found", "Location: " + url() + request->path + "\r\n", ""));
      case MetadataFault::busy: return send_all(peer, response("429 Too Many Requests", "Retry-After: 1\r\n", "{}"));
      case MetadataFault::silent:
        // Until the asker has had enough, or the fault ends.
        while (fault_ == MetadataFault::silent && !wait_for(peer, POLLIN, 100)) {
          pollfd ended{stop_.get(), POLLIN, 0};
          if (::poll(&ended, 1, 0) > 0) return;
        }
        return;
    }
    const auto body = handler_(*request);
    send_all(peer, body ? response("200 OK", "", *body) : response("404 Not Found", "", "{}"));
  }

  UniqueFd listener_;
  UniqueFd stop_;
  std::uint16_t port_;
  MetadataHandler handler_;
  std::atomic<MetadataFault> fault_ = MetadataFault::none;
  std::atomic<std::uint64_t> answered_ = 0;
  std::thread thread_;
};

}  // namespace

std::optional<MetadataFault> metadata_fault_from_name(std::string_view name) {
  for (const auto& [known, fault] : fault_names) {
    if (known == name) return fault;
  }
  return std::nullopt;
}

Result<std::unique_ptr<MetadataServer>> MetadataServer::start(MetadataHandler handler) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!listener || !stop || ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener.get(), 64) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno(errno, "cannot listen on 127.0.0.1 as the metadata service");
  }
  return std::make_unique<Server>(std::move(listener), std::move(stop), ntohs(address.sin_port), std::move(handler));
}

}  // namespace attestd::sim
