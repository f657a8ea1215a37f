// A child program that lives no longer than its handle.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace attestd::sim {

class Process {
 public:
  // Runs `arguments[0]` (searched in PATH) with standard input from /dev/null
  // and its output and errors appended to `log`. The child gets SIGTERM when the
  // thread that started it ends, however it ends.
  static Result<Process> start(const std::vector<std::string>& arguments, const std::string& log);
  // The same, and waits for it: an error unless it exits with 0 in time.
  static Result<void> run(const std::vector<std::string>& arguments, const std::string& log,
                          std::chrono::seconds deadline);

  Process(Process&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { stop(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void stop();  // SIGTERM, and SIGKILL after two seconds

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  bool reap(std::chrono::milliseconds patience);

  pid_t pid_ = -1;
  int status_ = 0;  // of waitpid, once it ended
};

}  // namespace attestd::sim
