#include "net/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace attestd::net {
namespace {

class PlainStream : public Stream {
 public:
  explicit PlainStream(UniqueFd fd) : fd_(std::move(fd)) {}

  Result<void> write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {
        ATTESTD_CHECK(wait_for(fd_.get(), POLLOUT, deadline));
      } else if (errno != EINTR) {
        return gone();
      }
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> into, Deadline deadline) override {
    for (;;) {
      // Before each read: a peer that drips bytes does not prolong the exchange.
      ATTESTD_CHECK(wait_for(fd_.get(), POLLIN, deadline));
      if (std::chrono::steady_clock::now() >= deadline) return fail(Errc::timed_out, "the answer is not whole");
      const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EAGAIN && errno != EINTR) return gone();
    }
  }

  [[nodiscard]] bool quiet() const override {
    pollfd polled{fd_.get(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 0;
  }

 private:
  static std::unexpected<Error> gone() { return fail(Errc::unavailable, std::generic_category().message(errno)); }

  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Stream> plain_stream(UniqueFd fd) { return std::make_unique<PlainStream>(std::move(fd)); }

}  // namespace attestd::net
