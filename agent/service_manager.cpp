#include "agent/service_manager.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/unix_socket.h"

namespace attestd::agent {
namespace {

constexpr int backlog = 4096;

}  // namespace

Result<std::vector<UniqueFd>> take_passed_sockets() {
  const int count = sd_listen_fds(1);
  if (count < 0) return fail_errno(-count, "cannot take the sockets of the service manager");
  std::vector<UniqueFd> out;
  for (int i = 0; i < count; ++i) out.emplace_back(SD_LISTEN_FDS_START + i);
  for (const UniqueFd& fd : out) {
    if (sd_is_socket(fd.get(), AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
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
  if (sd_is_socket_unix(passed.front().get(), SOCK_STREAM, 1, nullptr, 0) <= 0) {
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

void notify_manager(const std::string& state) { (void)sd_notify(0, state.c_str()); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

}  // namespace attestd::agent
