#include "agent/mapped_volumes.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/file.h"
#include "base/unix_socket.h"

namespace attestd::agent {
namespace {

constexpr timeval patience{.tv_sec = 2, .tv_usec = 0};

// Only root may make a socket in /run/attestd; where tests put it, we are who made it.
Result<void> require_trusted_peer(int fd, const std::string& socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno(errno, "cannot tell who listens on " + socket);
  }
  if (peer.uid != 0 && peer.uid != ::geteuid()) return fail(Errc::refused, "who listens on " + socket + " is not root");
  return {};
}

}  // namespace

Result<std::vector<MappedDeviceReport>> ask_for_mapped_devices(const std::string& socket) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(socket));
  ATTESTD_TRY(const UniqueFd fd, unix_socket());
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (::setsockopt(fd.get(), SOL_SOCKET, option, &patience, sizeof patience) != 0) {
      return fail_errno(errno, "cannot limit the time of a socket");
    }
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno(errno, "cannot connect to " + socket);
  }
  ATTESTD_CHECK(require_trusted_peer(fd.get(), socket));
  ATTESTD_TRY(const Bytes answer, read_fd(fd.get(), socket, mapped_devices_max_size));
  auto devices = parse_mapped_devices(answer);
  if (!devices) return std::unexpected(std::move(devices).error().in(socket));
  return devices;
}

Result<std::vector<StorageMapping>> mappings_of_volume(const hwio::MountedVolume& volume,
                                                       const std::vector<MappedDeviceReport>& devices) {
  std::vector<StorageMapping> out;
  for (const hwio::MappedLayer& one : volume.mapped) {
    const auto found = std::ranges::find(devices, one.number, &MappedDeviceReport::number);
    if (found == devices.end()) {
      return fail(Errc::not_found,
                  "device-mapper has no table for " + one.number + ", on which " + volume.mount_point + " is");
    }
    ATTESTD_TRY(const std::vector<StorageMapping> mappings, mappings_of(*found, one.layer));
    std::ranges::copy(mappings, std::back_inserter(out));
  }
  return out;
}

}  // namespace attestd::agent
