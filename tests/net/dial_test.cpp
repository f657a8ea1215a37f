#include "net/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include "tests/catch.h"

namespace attestd::net::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A port of loopback, with a listener that takes so many connections and ignores others.
struct Port {
  UniqueFd listener;
  SocketAddress address;

  explicit Port(bool ipv6 = false, int backlog = 8)
      : listener(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (ipv6) {
      auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
      six.sin6_family = AF_INET6;
      six.sin6_addr = in6addr_loopback;
      address.size = sizeof six;
    } else {
      auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
      four.sin_family = AF_INET;
      four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.size = sizeof four;
    }
    auto* const generic = reinterpret_cast<sockaddr*>(&address.storage);
    REQUIRE(::bind(listener.get(), generic, address.size) == 0);
    REQUIRE(::listen(listener.get(), backlog) == 0);
    REQUIRE(::getsockname(listener.get(), generic, &address.size) == 0);
  }
};

SocketAddress closed() {
  Port port;
  return port.address;
}

// Its queue is full, so it answers nobody.
struct SilentPort : Port {
  std::vector<UniqueFd> waiting;
  SilentPort() : Port(false, 0) {
    for (int i = 0; i < 4; ++i) {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
      waiting.push_back(std::move(fd));
    }
  }
};

bool reaches(const Port& port, const std::vector<SocketAddress>& addresses) {
  const auto fd = dial_first(addresses, Clock::now() + 20s);
  pollfd polled{port.listener.get(), POLLIN, 0};
  return fd && ::poll(&polled, 1, 0) == 1;
}

TEST_CASE("the next address is tried where one refuses") {
  for (const bool ipv6 : {false, true}) {
    const Port good(ipv6);
    CHECK(reaches(good, {good.address}));
    CHECK(reaches(good, {closed(), closed(), good.address}));
    CHECK(reaches(good, {good.address, closed()}));
  }
}

TEST_CASE("the next address is tried where one says nothing, and soon") {
  const SilentPort silent;
  const Port good(true);
  const auto begin = Clock::now();
  CHECK(reaches(good, {silent.address, good.address}));
  CHECK(Clock::now() - begin >= 250ms);
  CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("where no address answers there is an error, in time") {
  CHECK(dial_first({}, Clock::now() + 1s).error().code == Errc::unavailable);
  const std::vector<SocketAddress> none{closed(), closed()};
  const auto refused = dial_first(none, Clock::now() + 10s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().message == "Connection refused");
  const SilentPort silent;
  const std::vector<SocketAddress> dumb{silent.address, closed()};
  CHECK(dial_first(dumb, Clock::now() + 400ms).error().code == Errc::timed_out);
}

TEST_CASE("an address needs no resolver, and nobody's name has none") {
  const Port good;
  const std::uint16_t port = ntohs(reinterpret_cast<const sockaddr_in&>(good.address.storage).sin_port);
  CHECK(dial("127.0.0.1", port, Clock::now() + 5s));
  const auto nobody = dial("nobody.invalid", port, Clock::now() + 20s);
  REQUIRE_FALSE(nobody);
  CHECK((nobody.error().code == Errc::unavailable || nobody.error().code == Errc::timed_out));
}

}  // namespace
}  // namespace attestd::net::test
