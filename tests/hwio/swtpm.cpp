#include "tests/hwio/swtpm.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/unix_socket.h"

extern char** environ;

namespace attestd::test {
namespace {

// The control socket is there before the data socket is, but is answered only
// when all is ready. Asking it disturbs nobody, unlike the data socket.
bool answers(const std::string& control) {
  const UniqueFd fd = unix_socket().value();
  const sockaddr_un address = unix_address(control).value();
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  // CMD_GET_CAPABILITY of swtpm_ioctls(3): any answer will do.
  constexpr std::array<std::byte, 4> get_capability = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
  std::array<std::byte, 4> result{};
  return write_all(fd.get(), control, get_capability) && ::read(fd.get(), result.data(), result.size()) == 4;
}

}  // namespace

void Swtpm::start() {
  std::filesystem::create_directories(folder_.file("state"));
  // tpm2-tss finds the control socket by adding ".ctrl" to the data socket's path.
  std::vector<std::string> arguments = {"swtpm",
                                        "socket",
                                        "--tpm2",
                                        "--tpmstate",
                                        "dir=" + folder_.file("state"),
                                        "--ctrl",
                                        "type=unixio,path=" + folder_.file("socket.ctrl"),
                                        "--server",
                                        "type=unixio,path=" + folder_.file("socket"),
                                        "--flags",
                                        "not-need-init,startup-clear",
                                        "--log",
                                        "file=" + folder_.file("log")};
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (::posix_spawnp(&pid_, "swtpm", nullptr, nullptr, argv.data(), environ) != 0) {
    throw std::runtime_error("these tests need swtpm");
  }
  for (int i = 0; i < 500; ++i) {
    if (answers(folder_.file("socket.ctrl"))) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("swtpm does not answer");
}

void Swtpm::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  std::filesystem::remove(folder_.file("socket"));
  std::filesystem::remove(folder_.file("socket.ctrl"));
}

void Swtpm::forget_state() { std::filesystem::remove_all(folder_.file("state")); }

bool Swtpm::tool(const std::string& command) const {
  const std::string line = "cd '" + folder_.path() + "' && TPM2TOOLS_TCTI='" + tcti() + "' TSS2_LOG=all+NONE " +
                           command + " >>tool.log 2>&1";
  return std::system(line.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

}  // namespace attestd::test
