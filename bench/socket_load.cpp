// Asks attestd for evidence from many connections at once and says how many
// proofs a second come back, and after how long: bench/run prints the table.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/result.h"
#include "base/unix_socket.h"

namespace {

using attestd::Errc;
using attestd::fail;
using attestd::fail_errno;
using attestd::Result;
using attestd::UniqueFd;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string socket = "/run/attestd/attestd.sock";
  unsigned askers = 1;
  unsigned seconds = 5;
  bool header = false;  // of the table
  std::string label = "batched";
};

struct Asker {
  UniqueFd fd;
  std::string out;
  std::size_t sent = 0;
  std::string in;
  std::size_t expected = 0;  // bytes of head and body, once known
  Clock::time_point began;
};

struct Tally {
  std::vector<double> milliseconds;
  unsigned refused = 0;
  std::string first_refusal;
};

std::string request(std::mt19937_64& random) {
  attestd::Bytes nonce(32);
  for (auto& byte : nonce) byte = static_cast<std::byte>(random());
  const std::string body = R"({"nonce":")" + attestd::to_base64url(nonce) + R"(","purpose":"monitor"})";
  return "POST /v1/evidence HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

Result<UniqueFd> connect_to(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, attestd::unix_address(path));
  ATTESTD_TRY(UniqueFd fd, attestd::unix_socket());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno(errno, "cannot connect to " + path);
  }
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno(errno, "cannot make the socket non-blocking");
  return fd;
}

// Length of the response that `text` begins with, or 0 while its head is incomplete.
Result<std::size_t> response_length(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::size_t{0};
  std::string head(text.substr(0, end + 2));
  std::ranges::transform(head, head.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view field = "\r\ncontent-length:";
  const auto at = head.find(field);
  if (at == std::string::npos) return fail(Errc::malformed, "a response without Content-Length");
  const char* first = head.data() + at + field.size();
  while (*first == ' ') ++first;
  std::size_t length = 0;
  if (std::from_chars(first, head.data() + head.size(), length).ec != std::errc{}) {
    return fail(Errc::malformed, "a Content-Length that is no number");
  }
  return end + 4 + length;
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

  Result<Tally> run() {
    if (!epoll_) return fail_errno(errno, "epoll_create1");
    askers_.resize(options_.askers);
    for (std::size_t i = 0; i < askers_.size(); ++i) {
      ATTESTD_TRY(askers_[i].fd, connect_to(options_.socket));
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.u64 = i;
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, askers_[i].fd.get(), &event) != 0)
        return fail_errno(errno, "epoll_ctl");
    }
    const auto end = Clock::now() + std::chrono::seconds(options_.seconds);
    for (auto& asker : askers_) ATTESTD_CHECK(ask(asker));
    std::vector<epoll_event> events(1024);
    // Those who wait at the end are waited for: leaving them out would hide the slow ones.
    waiting_ = askers_.size();
    const auto give_up = end + std::chrono::seconds(120);
    while (waiting_ > 0) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 1000);
      if (count < 0 && errno != EINTR) return fail_errno(errno, "epoll_wait");
      if (Clock::now() > give_up)
        return fail(Errc::timed_out, std::to_string(waiting_) + " askers were never answered");
      for (int i = 0; i < count; ++i) {
        auto& asker = askers_[events[static_cast<std::size_t>(i)].data.u64];
        ATTESTD_CHECK(send_more(asker));
        ATTESTD_CHECK(receive(asker, end));
      }
    }
    return std::move(tally_);
  }

 private:
  Result<void> ask(Asker& asker) {
    asker.out = request(random_);
    asker.sent = 0;
    asker.in.clear();
    asker.expected = 0;
    asker.began = Clock::now();
    return send_more(asker);
  }

  static Result<void> send_more(Asker& asker) {
    while (asker.sent < asker.out.size()) {
      const auto wrote =
          ::send(asker.fd.get(), asker.out.data() + asker.sent, asker.out.size() - asker.sent, MSG_NOSIGNAL);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0 && errno == EAGAIN) return {};
      if (wrote < 0) return fail_errno(errno, "cannot send");
      asker.sent += static_cast<std::size_t>(wrote);
    }
    return {};
  }

  Result<void> receive(Asker& asker, Clock::time_point end) {
    char buffer[65536];
    while (true) {
      const auto got = ::recv(asker.fd.get(), buffer, sizeof buffer, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return {};
      if (got < 0) return fail_errno(errno, "cannot receive");
      if (got == 0) return fail(Errc::unavailable, "the agent hung up");
      asker.in.append(buffer, static_cast<std::size_t>(got));
      if (asker.expected == 0) {
        ATTESTD_TRY(asker.expected, response_length(asker.in));
      }
      if (asker.expected == 0 || asker.in.size() < asker.expected) continue;
      tell(asker);
      if (Clock::now() >= end) {
        --waiting_;
        return {};
      }
      ATTESTD_CHECK(ask(asker));
    }
  }

  void tell(const Asker& asker) {
    if (asker.in.starts_with("HTTP/1.1 200 ")) {
      tally_.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asker.began).count());
      return;
    }
    if (tally_.refused++ == 0) tally_.first_refusal = asker.in.substr(0, asker.in.find("\r\n"));
  }

  Options options_;
  UniqueFd epoll_;
  std::vector<Asker> askers_;
  std::size_t waiting_ = 0;
  Tally tally_;
  std::mt19937_64 random_{std::random_device{}()};
};

Result<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
    return fail(Errc::usage, "not a positive number: " + std::string(text));
  }
  return value;
}

Result<Options> parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--header") {
      options.header = true;
      continue;
    }
    if (i + 1 >= arguments.size()) return fail(Errc::usage, "no value for " + name);
    const std::string& value = arguments[++i];
    if (name == "--socket") {
      options.socket = value;
    } else if (name == "--label") {
      options.label = value;
    } else if (name == "--askers") {
      ATTESTD_TRY(options.askers, number(value));
    } else if (name == "--seconds") {
      ATTESTD_TRY(options.seconds, number(value));
    } else {
      return fail(Errc::usage, "unknown option " + name);
    }
  }
  return options;
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

Result<void> run(const std::vector<std::string>& arguments) {
  ATTESTD_TRY(const Options options, parse(arguments));
  const auto began = Clock::now();
  ATTESTD_TRY(Tally tally, Load(options).run());
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  if (tally.milliseconds.empty()) {
    return fail(Errc::refused, "no evidence at all; the first answer was " + tally.first_refusal);
  }
  std::ranges::sort(tally.milliseconds);
  if (options.header) {
    std::printf("%-10s %7s %9s %10s %9s %9s %9s %8s\n", "mode", "askers", "proofs", "proofs/s", "p50 ms", "p99 ms",
                "max ms", "refused");
  }
  std::printf("%-10s %7u %9zu %10.1f %9.1f %9.1f %9.1f %8u\n", options.label.c_str(), options.askers,
              tally.milliseconds.size(), static_cast<double>(tally.milliseconds.size()) / took,
              quantile(tally.milliseconds, 0.5), quantile(tally.milliseconds, 0.99), tally.milliseconds.back(),
              tally.refused);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments.front() == "--help") {
      std::puts("usage: socket-load [--socket PATH] [--askers N] [--seconds N] [--label TEXT] [--header]");
      return 0;
    }
    if (auto result = run(arguments); !result) {
      std::fprintf(stderr, "socket-load: %s\n", result.error().text().c_str());
      return result.error().code == Errc::usage ? 2 : 1;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket-load: %s\n", error.what());
    return 1;
  }
}
