#include "tests/vtpm/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "base/unix_socket.h"

namespace attestd::test {
namespace {

constexpr std::size_t header_size = 10;  // tag, size, code
constexpr int patience_ms = 20;

bool readable(int fd, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, patience_ms) > 0) return true;
  }
  return false;
}

bool fill(int fd, const std::stop_token& stop, Bytes& out, std::size_t size) {
  while (out.size() < size) {
    if (!readable(fd, stop)) return false;
    Bytes part(size - out.size());
    const ssize_t count = ::read(fd, part.data(), part.size());
    if (count <= 0) return false;
    out.insert(out.end(), part.begin(), part.begin() + count);
  }
  return true;
}

// A command or an answer: nothing when the peer went.
Bytes read_message(int fd, const std::stop_token& stop) {
  Bytes out;
  if (!fill(fd, stop, out, header_size)) return {};
  Reader reader(ByteView(out).subspan(2));
  if (!fill(fd, stop, out, reader.be32("size").value())) return {};
  return out;
}

UniqueFd connected(const std::string& path) {
  UniqueFd fd = unix_socket().value();
  const sockaddr_un address = unix_address(path).value();
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return fd;
}

}  // namespace

std::uint32_t command_code(const Bytes& command) { return Reader(ByteView(command).subspan(6)).be32("code").value(); }

Relay::Relay(const Swtpm& swtpm) : path_(swtpm.folder().file("relay")), target_(swtpm.folder().file("socket")) {
  listener_ = unix_socket().value();
  const sockaddr_un address = unix_address(path_).value();
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 4) != 0) {
    throw std::runtime_error("the relay cannot listen");
  }
  std::filesystem::create_symlink(target_ + ".ctrl", path_ + ".ctrl");
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

Relay::~Relay() {
  thread_.request_stop();
  thread_.join();
  std::filesystem::remove(path_);
  std::filesystem::remove(path_ + ".ctrl");
}

void Relay::serve(const std::stop_token& stop) {
  while (readable(listener_.get(), stop)) {
    const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
    const UniqueFd tpm = connected(target_);
    if (client && tpm) talk(stop, client.get(), tpm.get());
  }
}

void Relay::talk(const std::stop_token& stop, int client, int tpm) {
  for (;;) {
    const Bytes command = read_message(client, stop);
    if (command.empty()) return;
    Bytes answer;
    {
      const std::lock_guard lock(mutex_);
      if (intercept_) answer = intercept_(command);
    }
    if (answer.empty()) {
      if (!write_all(tpm, "TPM", command)) return;
      answer = read_message(tpm, stop);
      if (answer.empty()) return;
    }
    {
      const std::lock_guard lock(mutex_);
      exchanges_.emplace_back(command, answer);
      if (change_) change_(command, answer);
    }
    if (!write_all(client, "client", answer)) return;
  }
}

void Relay::change(Change change) {
  const std::lock_guard lock(mutex_);
  change_ = std::move(change);
}

void Relay::intercept(Intercept intercept) {
  const std::lock_guard lock(mutex_);
  intercept_ = std::move(intercept);
}

Bytes Relay::heard() const {
  const std::lock_guard lock(mutex_);
  Bytes out;
  for (const auto& [command, answer] : exchanges_) {
    out.insert(out.end(), command.begin(), command.end());
    out.insert(out.end(), answer.begin(), answer.end());
  }
  return out;
}

Bytes Relay::answer_to(std::uint32_t code) const {
  const std::lock_guard lock(mutex_);
  for (auto exchange = exchanges_.rbegin(); exchange != exchanges_.rend(); ++exchange) {
    if (command_code(exchange->first) == code) return exchange->second;
  }
  return {};
}

std::vector<Bytes> Relay::commands(std::uint32_t code) const {
  const std::lock_guard lock(mutex_);
  std::vector<Bytes> out;
  for (const auto& [command, answer] : exchanges_) {
    if (command_code(command) == code) out.push_back(command);
  }
  return out;
}

}  // namespace attestd::test
