#include "tests/agent/running_agent.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "base/unix_socket.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"

namespace attestd::test {

std::string Answer::header(std::string_view name) const {
  std::string lower = head;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::size_t at = lower.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

std::string Answer::problem() const {
  constexpr std::string_view prefix = "\"type\":\"tag:attestd,2026:problem:";
  const std::size_t at = body.find(prefix);
  if (at == std::string::npos || header("content-type") != "application/problem+json") return "(none) " + body;
  const std::size_t begin = at + prefix.size();
  return body.substr(begin, body.find('"', begin) - begin);
}

Client::Client(const std::string& socket) : fd_(unix_socket().value()) {
  const sockaddr_un address = unix_address(socket).value();
  const timeval patience{20, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("cannot connect to " + socket);
  }
}

void Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

Answer Client::receive() {
  std::array<char, 65536> chunk{};
  Answer answer;
  std::size_t needed = 0;
  for (;;) {
    if (const std::size_t end = buffer_.find("\r\n\r\n"); needed == 0 && end != std::string::npos) {
      answer.head = buffer_.substr(0, end + 2);
      needed = end + 4 + std::strtoul(answer.header("content-length").c_str(), nullptr, 10);
    }
    if (needed != 0 && buffer_.size() >= needed) break;
    const ssize_t count = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (count <= 0) return {};
    buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  }
  answer.status = static_cast<unsigned>(std::strtoul(answer.head.substr(9, 3).c_str(), nullptr, 10));
  answer.body = buffer_.substr(answer.head.size() + 2, needed - answer.head.size() - 2);
  buffer_.erase(0, needed);
  return answer;
}

Answer Client::get(const std::string& path) {
  send("GET " + path + " HTTP/1.1\r\nHost: attestd\r\n\r\n");
  return receive();
}

Answer Client::post(const std::string& path, std::string_view body) {
  send("POST " + path + " HTTP/1.1\r\nHost: attestd\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  send(body);
  return receive();
}

struct RunningAgent::Thread {
  std::thread thread;
};

RunningAgent::RunningAgent(agent::Config config, agent::Devices devices) : socket_(folder_.path() + "/socket") {
  std::signal(SIGPIPE, SIG_IGN);
  // Both ends of a thousand connections are ours.
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
  ::setrlimit(RLIMIT_NOFILE, &files);
  daemon::set_log_level(static_cast<daemon::Priority>(0));
  auto listener = daemon::listen_at(socket_);
  if (!listener) throw std::runtime_error(listener.error().text());
  agent_ = std::make_unique<agent::Agent>(std::move(config), std::move(devices), *std::move(listener));
  thread_ = std::make_unique<Thread>(std::thread([this] { agent_->run(); }));
}

RunningAgent::~RunningAgent() { stop(); }

void RunningAgent::stop() {
  if (!thread_) return;
  agent_->stop();
  thread_->thread.join();
  thread_.reset();
}

agent::Config quiet_config() {
  agent::Config config;
  config.ssh.sshd = "";
  config.tpm.tcti = "off";
  config.event_log.firmware = "";
  config.event_log.userspace = "";
  return config;
}

}  // namespace attestd::test
