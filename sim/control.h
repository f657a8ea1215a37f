// The simulator's control socket: one line in, lines out, closed.
#pragma once

#include <functional>
#include <string>

#include "base/file.h"

namespace attestd::sim {

// Reply of a command: its first line is "ok" or "error", the rest is for people
// or, as the command says, data.
using ControlHandler = std::function<Result<std::string>(const std::string& line)>;

class ControlSocket {
 public:
  static Result<ControlSocket> listen(const std::string& path);  // mode 0600
  ControlSocket(ControlSocket&&) = default;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;
  ~ControlSocket();
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes one connection and answers it; a caller who says nothing for two
  // seconds is dropped.
  void serve_one(const ControlHandler& handler) const;

 private:
  ControlSocket(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

// Sends a line and returns the reply's text. Errors: not_found (no simulator
// runs there), refused (it said "error", with its sentence).
Result<std::string> control(const std::string& path, const std::string& line);

}  // namespace attestd::sim
