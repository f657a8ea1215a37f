#include "agent/sshd_config.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace attestd::agent {
namespace {

constexpr std::string_view default_sshd_config = "/etc/ssh/sshd_config";
constexpr std::size_t output_limit = std::size_t{1} << 20U;  // bytes
constexpr std::size_t files_limit = 256;

template <class Function>
void each_line(std::string_view text, Function&& function) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    function(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool same_word(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y; });
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// A child, killed and reaped when it is not waited for.
class Child {
 public:
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)wait();
  }

  static Result<Child> spawn(const std::vector<std::string>& command, int output, int errors) {
    struct Settings {
      posix_spawn_file_actions_t files{};
      posix_spawnattr_t attributes{};
      Settings() {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
      }
      Settings(const Settings&) = delete;
      Settings& operator=(const Settings&) = delete;
      ~Settings() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
      }
    } settings;
    posix_spawn_file_actions_addopen(&settings.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&settings.files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&settings.files, errors, STDERR_FILENO);
    // This thread blocks all signals; the child must not.
    sigset_t none{};
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&settings.attributes, &none);
    posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGMASK);

    std::vector<std::string> texts = command;
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (std::string& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    char* const environment[] = {nullptr};
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, texts.front().c_str(), &settings.files, &settings.attributes,
                                    arguments.data(), environment);
    if (error != 0) return fail_errno(error, "cannot run " + texts.front());
    return Child(pid);
  }

  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

// Both streams to their ends.
Result<void> drain(std::array<std::pair<UniqueFd*, std::string*>, 2> streams, std::chrono::steady_clock::time_point end,
                   const std::string& name) {
  std::array<char, 4096> chunk{};
  for (;;) {
    std::array<pollfd, 2> polled{};
    for (std::size_t i = 0; i < 2; ++i) polled[i] = {streams[i].first->get(), POLLIN, 0};
    if (polled[0].fd < 0 && polled[1].fd < 0) return {};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int ready = left.count() <= 0 ? 0 : ::poll(polled.data(), polled.size(), static_cast<int>(left.count()) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno(errno, "cannot wait for " + name);
    if (ready == 0) return fail(Errc::timed_out, name + " did not finish in time");
    for (std::size_t i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      const ssize_t count = ::read(polled[i].fd, chunk.data(), chunk.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        streams[i].first->reset();
        continue;
      }
      streams[i].second->append(chunk.data(), static_cast<std::size_t>(count));
      if (streams[i].second->size() > output_limit) return fail(Errc::out_of_range, name + " writes without end");
    }
  }
}

struct Matches {
  glob_t found{};
  // Unsafe beside setenv() and other users of the passwd database, of which we have none.
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  explicit Matches(const std::string& pattern) { ::glob(pattern.c_str(), 0, nullptr, &found); }
  Matches(const Matches&) = delete;
  Matches& operator=(const Matches&) = delete;
  ~Matches() { ::globfree(&found); }
};

void add_config(const std::string& path, std::set<std::string>& files) {
  if (files.size() >= files_limit || !files.insert(path).second) return;
  const auto bytes = read_file(path, output_limit);
  if (!bytes) return;
  each_line(as_text(*bytes), [&](std::string_view line) {
    // sshd_config(5): keyword, blanks or one '=', arguments, perhaps in quotes.
    const std::size_t end = line.find_first_of(" \t=");
    if (end == std::string_view::npos || !same_word(line.substr(0, end), "include")) return;
    std::string_view rest = line.substr(end);
    while (!rest.empty()) {
      const std::size_t begin = rest.find_first_not_of(" \t=\"");
      if (begin == std::string_view::npos || rest[begin] == '#') return;
      rest.remove_prefix(begin);
      const std::size_t stop = std::min(rest.find_first_of(" \t\""), rest.size());
      std::string pattern(rest.substr(0, stop));
      rest.remove_prefix(stop);
      if (pattern.front() != '/') pattern.insert(0, "/etc/ssh/");
      files.insert(pattern.substr(0, std::max<std::size_t>(pattern.rfind('/'), 1)));
      const Matches matches(pattern);
      for (std::size_t i = 0; i < matches.found.gl_pathc; ++i) add_config(matches.found.gl_pathv[i], files);
    }
  });
}

}  // namespace

std::vector<std::string> parse_sshd_host_keys(std::string_view output) {
  constexpr std::string_view keyword = "hostkey ";
  std::vector<std::string> paths;
  each_line(output, [&](std::string_view line) {
    if (!line.starts_with(keyword)) return;
    std::string path(trimmed(line.substr(keyword.size())));
    if (path.empty() || path == "none" || std::find(paths.begin(), paths.end(), path) != paths.end()) return;
    paths.push_back(std::move(path));
  });
  return paths;
}

Result<std::string> run_sshd_test(const std::string& sshd, const std::string& config,
                                  std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  ATTESTD_TRY(Pipe output, make_pipe());
  ATTESTD_TRY(Pipe errors, make_pipe());
  std::vector<std::string> command = {sshd, "-T"};
  if (!config.empty()) {
    command.emplace_back("-f");
    command.push_back(config);
  }
  ATTESTD_TRY(Child child, Child::spawn(command, output.write.get(), errors.write.get()));
  output.write.reset();
  errors.write.reset();
  std::string said;
  std::string complained;
  ATTESTD_CHECK(drain({{{&output.read, &said}, {&errors.read, &complained}}}, end, sshd + " -T"));
  const int status = child.wait();
  if (status == 0) return said;
  std::string reason = complained.substr(0, complained.find('\n'));
  if (reason.empty()) reason = "status " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : status);
  return fail(Errc::refused, sshd + " -T failed: " + std::string(trimmed(reason)));
}

std::vector<std::string> sshd_config_files(const std::string& config) {
  std::set<std::string> files;
  add_config(config.empty() ? std::string(default_sshd_config) : config, files);
  return {files.begin(), files.end()};
}

}  // namespace attestd::agent
