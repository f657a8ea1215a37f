#include "daemon/service_manager.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/unix_socket.h"

namespace attestd::daemon {
namespace {

constexpr int backlog = 4096;
constexpr int first_passed = 3;  // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr int most_passed = 64;

// A number in the environment that is meant for this process: PID_NAME names it, or is not there and need not be.
template <class T>
std::optional<T> number_for_us(const char* name, const char* pid_name, bool pid_needed) {
  const auto number = [](const char* variable) -> std::optional<std::uint64_t> {
    const char* const text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): no thread is there yet
    if (text == nullptr) return std::nullopt;
    std::uint64_t value = 0;
    const char* const end = text + std::strlen(text);
    const auto [rest, code] = std::from_chars(text, end, value);
    if (code != std::errc() || rest != end) return std::nullopt;
    return value;
  };
  const auto pid = number(pid_name);
  if (!pid && (pid_needed || std::getenv(pid_name) != nullptr)) return std::nullopt;  // NOLINT(concurrency-mt-unsafe)
  if (pid && *pid != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  const auto value = number(name);
  if (!value || !std::in_range<T>(*value)) return std::nullopt;
  return static_cast<T>(*value);
}

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}
bool listens(int fd) { return socket_option(fd, SO_TYPE) == SOCK_STREAM && socket_option(fd, SO_ACCEPTCONN) == 1; }

}  // namespace

Result<std::vector<UniqueFd>> take_passed_sockets() {
  const int count = number_for_us<int>("LISTEN_FDS", "LISTEN_PID", true).value_or(0);
  // A child of ours is not who they were passed to.
  for (const char* const name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
    ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): no thread is there yet
  }
  if (count > most_passed) return fail(Errc::malformed, "the service manager passed too many sockets");
  std::vector<UniqueFd> out;
  for (int i = 0; i < count; ++i) out.emplace_back(first_passed + i);
  for (const UniqueFd& fd : out) {
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
      return fail_errno(errno, "cannot take the sockets of the service manager");
    }
    if (!listens(fd.get())) {
      return fail(Errc::malformed, "the service manager passed something else than a listening stream socket");
    }
  }
  return out;
}

Result<UniqueFd> take_passed_socket() {
  ATTESTD_TRY(std::vector<UniqueFd> passed, take_passed_sockets());
  if (passed.empty()) return UniqueFd();
  if (passed.size() > 1) {
    return fail(Errc::malformed, "the service manager passed " + std::to_string(passed.size()) + " sockets, not one");
  }
  if (socket_option(passed.front().get(), SO_DOMAIN) != AF_UNIX) {
    return fail(Errc::malformed, "the service manager passed something else than a listening AF_UNIX stream socket");
  }
  return std::move(passed.front());
}

Result<UniqueFd> listen_at(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);

  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    ATTESTD_TRY(const UniqueFd probe, unix_socket(SOCK_NONBLOCK));
    if (::connect(probe.get(), generic, sizeof(address)) == 0 || errno == EAGAIN) {
      return fail(Errc::busy, "another process listens at " + path);
    }
    if (errno == ECONNREFUSED) ::unlink(path.c_str());
  }
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty() && ::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the folder " + folder);
  }
  ATTESTD_TRY(UniqueFd fd, unix_socket(SOCK_NONBLOCK));
  if (::bind(fd.get(), generic, sizeof(address)) != 0) return fail_errno(errno, "cannot listen at " + path);
  if (::chmod(path.c_str(), 0666) != 0) return fail_errno(errno, "cannot set the mode of " + path);
  if (::listen(fd.get(), backlog) != 0) return fail_errno(errno, "cannot listen at " + path);
  return fd;
}

void raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

void notify_manager(const std::string& state) {
  const char* const where = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): nothing calls setenv
  if (where == nullptr || (*where != '/' && *where != '@')) return;
  auto address = unix_address(where);
  if (!address) return;
  // sd_notify(3): "@" is an abstract address, whose length counts.
  if (*where == '@') address->sun_path[0] = '\0';
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(where) + (*where == '/' ? 1 : 0));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  (void)::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&*address),
                 length);
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto microseconds = number_for_us<std::int64_t>("WATCHDOG_USEC", "WATCHDOG_PID", false);
  if (!microseconds || *microseconds == 0) return std::nullopt;
  return std::chrono::microseconds(*microseconds);
}

}  // namespace attestd::daemon
