#include "sim/software_tpm.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/unix_socket.h"
#include "sim/process.h"

namespace attestd::sim {
namespace {

constexpr std::chrono::seconds setup_deadline{60};
constexpr std::chrono::seconds start_deadline{10};
constexpr std::array<std::byte, 4> get_capability = {std::byte{}, std::byte{}, std::byte{},
                                                     std::byte{1}};  // swtpm_ioctls(3) CMD_GET_CAPABILITY
bool connects(const UniqueFd& socket, const sockaddr_un& address) {
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}
bool runs(const sockaddr_un& control) {
  const auto socket = unix_socket();
  return socket && connects(*socket, control);
}
// swtpm listens for control before it listens for commands, and replies when it
// has begun to serve both.
bool serves(const sockaddr_un& control) {
  const auto socket = unix_socket();
  std::array<std::byte, 8> reply{};
  timeval patience{.tv_sec = start_deadline.count(), .tv_usec = 0};
  return socket && connects(*socket, control) &&
         ::setsockopt(socket->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
         ::send(socket->get(), get_capability.data(), get_capability.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(get_capability.size()) &&
         ::recv(socket->get(), reply.data(), reply.size(), 0) > 0;
}

class Swtpm final : public SoftwareTpm {
 public:
  Swtpm(Process process, std::string folder)
      : folder_(std::move(folder)), tcti_(software_tpm_tcti(folder_)), process_(std::move(process)) {}
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm() override {
    process_.stop();
    ::unlink(software_tpm_socket(folder_).c_str());
    ::unlink(software_tpm_control(folder_).c_str());
  }
  [[nodiscard]] bool running() override { return process_.running(); }
  [[nodiscard]] const std::string& tcti() const override { return tcti_; }

 private:
  std::string folder_;
  std::string tcti_;
  Process process_;
};

}  // namespace

std::string software_tpm_socket(const std::string& folder) { return folder + "/sock"; }
std::string software_tpm_control(const std::string& folder) { return software_tpm_socket(folder) + ".ctrl"; }
std::string software_tpm_tcti(const std::string& folder) { return "swtpm:path=" + software_tpm_socket(folder); }

Result<std::unique_ptr<SoftwareTpm>> SoftwareTpm::start(const std::string& folder, bool manufacture) {
  const std::string path = software_tpm_socket(folder);
  const std::string control = software_tpm_control(folder);
  const std::string log = folder + "/swtpm.log";
  ATTESTD_TRY(const sockaddr_un control_address, unix_address(control));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail_errno(error.value(), "cannot create " + folder);
  // The control port takes many connections, so that asking it disturbs nobody.
  if (runs(control_address)) return fail(Errc::refused, "a TPM runs in " + folder + " already");
  ::unlink(path.c_str());
  ::unlink(control.c_str());

  if (manufacture && !std::filesystem::exists(folder + "/tpm2-00.permall")) {
    ATTESTD_CHECK(
        Process::run({"swtpm_setup", "--tpm2", "--tpmstate", folder, "--pcr-banks", "sha256,sha384", "--overwrite"},
                     log, setup_deadline));
  }
  ATTESTD_TRY(Process process,
              Process::start({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + folder + ",mode=0600", "--server",
                              "type=unixio,path=" + path, "--ctrl", "type=unixio,path=" + control, "--flags",
                              "not-need-init,startup-clear"},
                             log));
  const auto until = std::chrono::steady_clock::now() + start_deadline;
  while (!serves(control_address)) {
    if (!process.running()) return fail(Errc::unavailable, "swtpm does not start: " + log + " says why");
    if (std::chrono::steady_clock::now() >= until) return fail(Errc::timed_out, "swtpm does not answer in " + folder);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::make_unique<Swtpm>(std::move(process), folder);
}

}  // namespace attestd::sim
