#include "sim/control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unix_socket.h"

namespace attestd::sim {
namespace {

constexpr std::size_t longest_line = 4096;
constexpr std::size_t longest_reply = std::size_t{1} << 20U;
constexpr timeval patience = {2, 0};
constexpr timeval reply_patience = {180, 0};  // a restarted TPM or a throttled report take their time

Result<std::string> read_line(int fd) {
  std::string line;
  std::array<char, 512> chunk;
  while (line.find('\n') == std::string::npos && line.size() < longest_line) {
    const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(Errc::truncated, "no whole line came");
    line.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return line.substr(0, line.find('\n'));
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the asker has gone
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<ControlSocket> ControlSocket::listen(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  ATTESTD_TRY(UniqueFd fd, unix_socket());
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  ::umask(before);
  if (bound != 0) return fail_errno(bind_errno, "cannot bind " + path);
  if (::listen(fd.get(), 16) != 0) return fail_errno(errno, "cannot listen at " + path);
  return ControlSocket(std::move(fd), path);
}

ControlSocket::~ControlSocket() {
  if (fd_) ::unlink(path_.c_str());
}

void ControlSocket::serve_one(const ControlHandler& handler) const {
  const UniqueFd peer(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer) return;
  (void)::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto line = read_line(peer.get());
  if (!line) return;
  const auto reply = handler(*line);
  send_all(peer.get(), reply ? "ok\n" + *reply + "\n" : "error\n" + reply.error().text() + "\n");
}

Result<std::string> control(const std::string& path, const std::string& line) {
  if (line.find('\n') != std::string::npos) return fail(Errc::usage, "a command is one line");
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  ATTESTD_TRY(const UniqueFd fd, unix_socket());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Errc::not_found, "no attestd-sim runs there: nothing answers at " + path);
  }
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &reply_patience, sizeof reply_patience);
  send_all(fd.get(), line + "\n");
  ATTESTD_TRY(const Bytes reply, read_fd(fd.get(), path, longest_reply));
  std::string_view text = as_text(reply);
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (text.starts_with("ok\n")) return std::string(text.substr(3));
  if (text == "ok") return std::string();
  if (text.starts_with("error\n")) return fail(Errc::refused, std::string(text.substr(6)));
  return fail(Errc::unavailable, "attestd-sim went away before it answered");
}

}  // namespace attestd::sim
