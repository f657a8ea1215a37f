#include "sim/tpm_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/unix_socket.h"
#include "sim/software_tpm.h"

namespace attestd::sim {
namespace {

constexpr std::size_t header_size = 10;  // TPM 2.0 part 1, section 18: tag, size, code
constexpr std::size_t size_offset = 2;
constexpr std::size_t message_limit = 4096;  // swtpm's TPM_BUFFER_MAX

Result<UniqueFd> listen_at(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  ATTESTD_TRY(UniqueFd out, unix_socket());
  ::unlink(path.c_str());
  if (::bind(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(out.get(), SOMAXCONN) != 0) {
    return fail_errno(errno, "cannot listen at " + path);
  }
  return out;
}

Result<UniqueFd> connect_to(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  ATTESTD_TRY(UniqueFd out, unix_socket());
  if (::connect(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno(errno, "cannot connect to " + path);
  }
  return out;
}

// write_all() would raise SIGPIPE at a peer that has gone.
Result<void> send_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno(errno, "cannot write to a TPM's socket");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

class Proxy final : public TpmProxy {
 public:
  Proxy(std::string folder, std::string backend, Execute execute, UniqueFd listener, UniqueFd stop)
      : folder_(std::move(folder)),
        tcti_(software_tpm_tcti(folder_)),
        backend_(std::move(backend)),
        execute_(std::move(execute)),
        listener_(std::move(listener)),
        stop_(std::move(stop)),
        thread_([this] { run(); }) {}
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() override {
    constexpr std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
    ::unlink(software_tpm_socket(folder_).c_str());
    ::unlink(software_tpm_control(folder_).c_str());
  }
  [[nodiscard]] const std::string& tcti() const override { return tcti_; }

 private:
  // False when it is time to stop.
  bool readable(int fd) const {
    std::array<pollfd, 2> wanted{{{fd, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    while (::poll(wanted.data(), wanted.size(), -1) < 0) {
      if (errno != EINTR) return false;
    }
    return wanted[1].revents == 0;
  }

  Result<Bytes> receive(int fd) const {
    Bytes out;
    std::size_t wanted = header_size;
    while (out.size() < wanted) {
      if (!readable(fd)) return fail(Errc::unavailable, "the simulated TPM stops");
      std::array<std::byte, message_limit> part{};
      const ssize_t count = ::recv(fd, part.data(), wanted - out.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return fail(Errc::unavailable, "the connection was closed");
      out.insert(out.end(), part.begin(), part.begin() + count);
      if (out.size() == header_size) {
        Reader reader(ByteView(out).subspan(size_offset));
        ATTESTD_TRY(wanted, reader.be32("message size"));
        if (wanted < header_size || wanted > message_limit) return fail(Errc::malformed, "no TPM message");
      }
    }
    return out;
  }

  void serve(int client) const {
    const auto tpm = connect_to(backend_);
    if (!tpm) return;
    const Forward forward = [&](ByteView command) -> Result<Bytes> {
      ATTESTD_CHECK(send_all(tpm->get(), command));
      return receive(tpm->get());
    };
    for (;;) {
      const auto command = receive(client);
      if (!command) return;
      const auto response = execute_(*command, forward);
      if (!response || !send_all(client, *response)) return;
    }
  }

  void run() const {
    while (readable(listener_.get())) {
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client) serve(client.get());
    }
  }

  std::string folder_;
  std::string tcti_;
  std::string backend_;
  Execute execute_;
  UniqueFd listener_;
  UniqueFd stop_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

Result<std::unique_ptr<TpmProxy>> TpmProxy::start(const std::string& folder, const std::string& swtpm_folder,
                                                  Execute execute) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail_errno(error.value(), "cannot create " + folder);
  ATTESTD_TRY(UniqueFd listener, listen_at(software_tpm_socket(folder)));
  const std::string control = software_tpm_control(folder);
  ::unlink(control.c_str());
  std::filesystem::create_symlink(software_tpm_control(swtpm_folder), control, error);
  if (error) return fail_errno(error.value(), "cannot create " + control);
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return fail_errno(errno, "cannot make an event");
  return std::make_unique<Proxy>(folder, software_tpm_socket(swtpm_folder), std::move(execute), std::move(listener),
                                 std::move(stop));
}

}  // namespace attestd::sim
