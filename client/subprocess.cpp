#include "client/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/file.h"

namespace attestd {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become(const CommandRequest& request, int output) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0) ::_exit(127);
  for (const auto& [name, value] : request.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): after fork, one thread
  }
  ::execl("/bin/sh", "sh", "-c", request.command.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

// A child that was started, killed and reaped when nobody waited for it.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
  }
  int wait() {
    int status = -1;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }
  // The exit status when it has ended.
  std::optional<int> poll() {
    int status = -1;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

std::unexpected<Error> too_slow(const CommandRequest& request) {
  return fail(Errc::timed_out, "the command \"" + request.command + "\" did not end within " +
                                   std::to_string(request.timeout.count()) +
                                   " ms: run it by hand to see why, or wait longer with --timeout");
}

Result<std::string> read_all(const CommandRequest& request, int fd, Clock::time_point deadline) {
  std::string out;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return too_slow(request);
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for the command");
    if (ready <= 0) continue;
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot read what the command writes");
    if (count == 0) return out;
    if (static_cast<std::size_t>(count) > request.limit - out.size()) {
      return fail(Errc::out_of_range, "the command \"" + request.command + "\" wrote more than the " +
                                          std::to_string(request.limit) + " bytes that evidence may have");
    }
    out.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<std::string> command_output(const CommandRequest& request) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "cannot start a process");
  if (pid == 0) become(request, writer.get());
  Child child(pid);
  writer.reset();

  const auto deadline = Clock::now() + request.timeout;
  ATTESTD_TRY(std::string out, read_all(request, reader.get(), deadline));
  // It may have closed its output and live on.
  std::optional<int> status;
  while (!(status = child.poll())) {
    if (Clock::now() >= deadline) return too_slow(request);
    ::poll(nullptr, 0, 2);
  }
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return out;
  const std::string how = WIFSIGNALED(*status) ? "was killed by signal " + std::to_string(WTERMSIG(*status))
                                               : "ended with status " + std::to_string(WEXITSTATUS(*status));
  return fail(Errc::unavailable,
              "the command \"" + request.command + "\" " + how + ": it must write a bundle and end with status 0");
}

Result<int> run_program(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  // posix_spawnp(3) changes none of them.
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  if (const int code = ::posix_spawnp(&pid, words.front(), nullptr, nullptr, words.data(), environ); code != 0) {
    if (code == ENOENT) {
      return fail(Errc::not_found, "there is no program " + arguments.front() + " here: is its package installed?");
    }
    return fail_errno(code, "cannot start " + arguments.front());
  }
  const int status = Child(pid).wait();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace attestd
