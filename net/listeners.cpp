#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "net/listeners.h"
#include "net/tcp_listener.h"

namespace attestd::net {
namespace {

constexpr std::string_view vsock_scheme = "vsock::";
constexpr int backlog = 4096;

Result<UniqueFd> listen_vsock(const std::string& place) {
  const std::string_view digits = std::string_view(place).substr(vsock_scheme.size());
  unsigned port = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (wrong != std::errc() || end != digits.data() + digits.size()) {
    return fail(Errc::usage, "\"" + place + "\" is not vsock::PORT, such as vsock::28443");
  }
  UniqueFd socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno(errno, "cannot make a socket for " + place);
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_ANY;
  address.svm_port = port;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return fail_errno(errno, "cannot listen at " + place);
  }
  return socket;
}

}  // namespace

Result<std::vector<UniqueFd>> listen_at(const std::vector<std::string>& places) {
  std::vector<UniqueFd> out;
  for (const std::string& place : places) {
    ATTESTD_TRY(UniqueFd socket, place.starts_with(vsock_scheme) ? listen_vsock(place) : listen_tcp(place));
    out.push_back(std::move(socket));
  }
  return out;
}

}  // namespace attestd::net
