#include "unlock/pin.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace attestd::unlock {
namespace {

using Clock = std::chrono::steady_clock;

// Echo is off for as long as this lives.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd) { known_ = ::tcgetattr(fd, &before_) == 0; }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (known_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  // TCSAFLUSH drops what nobody has read yet.
  [[nodiscard]] bool begin() const {
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON;
    return known_ && ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }

 private:
  int fd_;
  termios before_{};
  bool known_ = false;
};

Result<void> wait_for_line(int fd, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return fail(Errc::timed_out, "nobody gave the PIN in time");
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for the PIN");
  }
}

// A terminal gives whole lines (ICANON).
Result<SecretBytes> read_line(int fd, Clock::time_point deadline) {
  ATTESTD_TRY(SecretBytes line, SecretBytes::make(pin_limit + 1));
  std::size_t used = 0;
  for (;;) {
    ATTESTD_CHECK(wait_for_line(fd, deadline));
    const auto space = line.writable().subspan(used);
    const ssize_t count = ::read(fd, space.data(), space.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail_errno(errno, "cannot read the PIN");
    if (count == 0) return fail(Errc::refused, "no PIN was given");
    const auto fresh = space.first(static_cast<std::size_t>(count));
    const auto end = std::ranges::find(fresh, std::byte{'\n'});
    used += static_cast<std::size_t>(end - fresh.begin());
    if (end != fresh.end()) break;
    if (used > pin_limit) return fail(Errc::out_of_range, "a PIN has at most 256 bytes");
  }
  line.shrink(used);
  if (line.empty()) return fail(Errc::refused, "no PIN was given");
  return line;
}

}  // namespace

Result<SecretBytes> read_pin(const std::string& terminal, const std::string& question,
                             std::chrono::milliseconds timeout) {
  const UniqueFd fd(::open(terminal.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    Error error = fail_errno(errno, "cannot ask for a PIN at " + terminal).error();
    error.code = Errc::unavailable;
    return std::unexpected(std::move(error));
  }
  const Silence silence(fd.get());
  if (!silence.begin()) return fail(Errc::unavailable, terminal + " is no terminal, where a PIN could be asked for");
  ATTESTD_CHECK(write_all(fd.get(), terminal, as_bytes("\r\n" + question + ": ")));
  auto line = read_line(fd.get(), Clock::now() + timeout);
  if (auto ended = write_all(fd.get(), terminal, as_bytes("\r\n")); line && !ended) {
    return std::unexpected(std::move(ended).error());
  }
  return line;
}

Result<SecretBytes> pin_of_file(const std::string& path) {
  ATTESTD_TRY(SecretBytes pin, SecretBytes::read(path, pin_limit + 1));
  if (!pin.empty() && pin.view().back() == std::byte{'\n'}) pin.shrink(pin.size() - 1);
  if (pin.empty() || pin.size() > pin_limit) {
    return fail(Errc::out_of_range, "a PIN has 1 to 256 bytes, and that in " + path + " has not");
  }
  return pin;
}

Result<SecretBytes> with_pin(const AskPin& ask, const TryPin& attempt, const Tell& tell) {
  for (unsigned left = pin_tries;;) {
    ATTESTD_TRY(SecretBytes pin, ask());
    auto secret = attempt(std::move(pin));
    if (secret || secret.error().code != Errc::permission || --left == 0) return secret;
    tell(secret.error().text() + "; " + std::to_string(left) + (left == 1 ? " try is" : " tries are") + " left");
  }
}

}  // namespace attestd::unlock
