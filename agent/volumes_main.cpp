// attestd-volumes: tells whoever connects what tables device-mapper works with. It takes no word
// from anybody: it has a capability, and attestd has what can be attacked.
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "daemon/service_manager.h"
#include "evidence/mapped_devices.h"
#include "hwio/device_mapper.h"

namespace attestd {
namespace {

constexpr int idle_ms = 30'000;  // then it ends, and the next one to connect starts it
constexpr timeval patience{.tv_sec = 2, .tv_usec = 0};

Result<std::vector<MappedDeviceReport>> read_tables() {
  // Asked anew each time: the device comes with the module, which may not be there yet.
  auto control = hwio::open_ioctl_device(std::string(hwio::device_mapper_control));
  // Without device-mapper nothing is mapped.
  if (!control && control.error().code == Errc::not_found) return std::vector<MappedDeviceReport>();
  if (!control) return std::unexpected(std::move(control).error());
  ATTESTD_TRY(const auto devices, hwio::read_mapped_devices(**control));
  std::vector<MappedDeviceReport> out;
  for (const hwio::MappedDevice& device : devices) {
    MappedDeviceReport& report = out.emplace_back(MappedDeviceReport{device.number, device.name, {}});
    for (const hwio::MappedTarget& target : device.targets) report.targets.push_back({target.type, target.status});
  }
  return out;
}

Result<void> answer(int listener) {
  const UniqueFd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer) return fail_errno(errno, "cannot take a connection");
  if (::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
    return fail_errno(errno, "cannot limit the time of a connection");
  }
  ATTESTD_TRY(const auto devices, read_tables());
  // Nothing at all where it fails: that is no JSON, and the statement says nothing of the tables.
  return write_all(peer.get(), "the connection", as_bytes(encode_mapped_devices(devices)));
}

int serve() {
  const auto listener = daemon::take_passed_socket();
  if (!listener || !*listener) {
    const std::string why = listener ? "it is started by attestd-volumes.socket" : listener.error().text();
    std::fprintf(stderr, "attestd-volumes: %s\n", why.c_str());
    return 2;
  }
  for (;;) {
    pollfd waiting{.fd = listener->get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, idle_ms);
    if (ready == 0) return 0;
    if (ready < 0 && errno != EINTR) return 1;
    if (ready < 0) continue;
    if (const auto done = answer(listener->get()); !done) {
      std::fprintf(stderr, "attestd-volumes: %s\n", done.error().text().c_str());
    }
  }
}

}  // namespace
}  // namespace attestd

int main() {
  // A peer that is gone is an error of write(2).
  (void)std::signal(SIGPIPE, SIG_IGN);
  return attestd::serve();
}
