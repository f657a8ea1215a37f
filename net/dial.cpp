#include "net/dial.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "net/https_url.h"

namespace attestd::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds next_address_after{250};

using Addresses = std::vector<SocketAddress>;

struct Lookup {
  std::string host, service;
  int flags = AI_NUMERICSERV;
  std::mutex mutex;
  std::condition_variable done_changed;
  bool done = false;
  int status = 0;
  int os_error = 0;
  Addresses found;

  void run() {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    const int got = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
    const int error = errno;
    const std::lock_guard lock(mutex);
    status = got;
    os_error = error;
    for (const addrinfo* one = got == 0 ? list : nullptr; one != nullptr; one = one->ai_next) {
      SocketAddress& address = found.emplace_back();
      address.size = std::min<socklen_t>(one->ai_addrlen, sizeof address.storage);
      std::memcpy(&address.storage, one->ai_addr, address.size);
    }
    if (got == 0) ::freeaddrinfo(list);
    done = true;
    done_changed.notify_all();
  }
  Result<Addresses> take() {
    if (status == 0) return std::move(found);
    const std::string why = status == EAI_SYSTEM ? std::generic_category().message(os_error) : ::gai_strerror(status);
    return fail(Errc::unavailable, "no address of " + host + ": " + why);
  }
};

// getaddrinfo() knows no deadline, so it has a thread of its own that outlives who does not wait for it.
Result<Addresses> resolve(const std::string& host, std::uint16_t port, Deadline deadline) {
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  lookup->service = std::to_string(port);
  if (is_address(host)) {
    lookup->flags |= AI_NUMERICHOST;
    lookup->run();
    return lookup->take();
  }
  try {
    std::thread([lookup] { lookup->run(); }).detach();
  } catch (const std::system_error& error) {
    return fail(Errc::io, std::string("no thread to resolve a name: ") + error.what());
  }
  std::unique_lock lock(lookup->mutex);
  if (!lookup->done_changed.wait_until(lock, deadline, [&] { return lookup->done; })) {
    return fail(Errc::timed_out, host + " is not resolved");
  }
  return lookup->take();
}

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60000));
}

// Connections that are being made, the first of which wins.
class Race {
 public:
  // An address's: what answers at once is given.
  UniqueFd start(const SocketAddress& address) {
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address.storage);
    if (fd && ::connect(fd.get(), generic, address.size) == 0) return fd;
    if (fd && errno == EINPROGRESS) {
      trying_.push_back(std::move(fd));
    } else {
      error_ = errno;
    }
    return {};
  }

  // The one that is there before `until`, or none. `failed` says that one has failed.
  Result<UniqueFd> wait(Deadline until, bool& failed) {
    std::vector<pollfd> polled;
    polled.reserve(trying_.size());
    for (const UniqueFd& fd : trying_) polled.push_back({fd.get(), POLLOUT, 0});
    if (::poll(polled.data(), polled.size(), milliseconds_until(until)) < 0 && errno != EINTR) {
      return fail_errno(errno, "cannot wait for a connection");
    }
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      if (::getsockopt(polled[i].fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
        return std::move(trying_[i]);
      }
      error_ = error;
      failed = true;
      trying_.erase(trying_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return UniqueFd();
  }

  [[nodiscard]] bool idle() const { return trying_.empty(); }
  [[nodiscard]] std::string reason() const { return std::generic_category().message(error_); }

 private:
  std::vector<UniqueFd> trying_;
  int error_ = 0;
};

}  // namespace

Result<void> wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    pollfd polled{fd, events, 0};
    const int ready = ::poll(&polled, 1, milliseconds_until(deadline));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for a peer");
    if (Clock::now() >= deadline) return fail(Errc::timed_out, "nothing came");
  }
}

Result<UniqueFd> dial_first(std::span<const SocketAddress> addresses, Deadline deadline) {
  Race race;
  Deadline next_at = Clock::now();
  for (;;) {
    const auto now = Clock::now();
    if (now >= deadline) return fail(Errc::timed_out, "no address answers");
    if (!addresses.empty() && (race.idle() || now >= next_at)) {
      UniqueFd fd = race.start(addresses.front());
      if (fd) return fd;
      addresses = addresses.subspan(1);
      next_at = now + next_address_after;
      continue;
    }
    if (race.idle()) return fail(Errc::unavailable, race.reason());
    bool failed = false;
    ATTESTD_TRY(UniqueFd fd, race.wait(addresses.empty() ? deadline : std::min(next_at, deadline), failed));
    if (fd) return fd;
    if (failed) next_at = now;
  }
}

Result<UniqueFd> dial(const std::string& host, std::uint16_t port, Deadline deadline) {
  ATTESTD_TRY(const Addresses addresses, resolve(host, port, deadline));
  ATTESTD_TRY(UniqueFd fd, dial_first(addresses, deadline));
  const int yes = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

}  // namespace attestd::net
