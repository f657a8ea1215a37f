#include "sim/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "base/file.h"

namespace attestd::sim {
namespace {

constexpr int cannot_execute = 127;
constexpr std::chrono::milliseconds step{10};

}  // namespace

Result<Process> Process::start(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!null || !output) return fail_errno(errno, "cannot open " + log);
  const pid_t parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "cannot start " + arguments.front());
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(cannot_execute);
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(null.get(), 0) < 0 || ::dup2(output.get(), 1) < 0 || ::dup2(output.get(), 2) < 0) {
      ::_exit(cannot_execute);
    }
    ::execvp(words.front(), words.data());
    ::_exit(cannot_execute);
  }
  return Process(pid);
}

Result<void> Process::run(const std::vector<std::string>& arguments, const std::string& log,
                          std::chrono::seconds deadline) {
  ATTESTD_TRY(Process process, start(arguments, log));
  if (!process.reap(deadline)) return fail(Errc::timed_out, arguments.front() + " does not finish");
  if (WIFEXITED(process.status_) && WEXITSTATUS(process.status_) == 0) return {};
  if (WIFEXITED(process.status_) && WEXITSTATUS(process.status_) == cannot_execute) {
    return fail(Errc::not_found, "cannot run " + arguments.front() + " (is it installed?)");
  }
  return fail(Errc::unavailable, arguments.front() + " failed: " + log + " says why");
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = other.pid_;
    status_ = other.status_;
    other.pid_ = -1;
  }
  return *this;
}

// True once the child has ended; `pid_` is then void, so that nobody signals
// a stranger who got the same number.
bool Process::reap(std::chrono::milliseconds patience) {
  if (pid_ < 0) return true;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const pid_t ended = ::waitpid(pid_, &status_, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) {
      pid_ = -1;
      return true;
    }
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(step);
  }
}

bool Process::running() { return !reap(std::chrono::milliseconds(0)); }

void Process::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  if (reap(std::chrono::seconds(2))) return;
  ::kill(pid_, SIGKILL);
  reap(std::chrono::seconds(10));
}

}  // namespace attestd::sim
