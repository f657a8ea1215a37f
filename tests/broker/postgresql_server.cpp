#include "tests/broker/postgresql_server.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/file.h"
#include "broker/database.h"

extern char** environ;

namespace attestd::test {
namespace {

constexpr const char* superuser = "attestd";

// The newest version's programs, or nothing.
std::string programs() {
  std::string newest;
  int newest_version = 0;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = std::atoi(entry.path().filename().c_str());  // NOLINT(cert-err34-c): 0 is none
    if (version <= newest_version || !std::filesystem::exists(entry.path() / "bin/postgres")) continue;
    newest_version = version;
    newest = (entry.path() / "bin/").string();
  }
  return newest;
}

// Whom it may run as: it refuses to be root's.
const passwd* other_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* const postgres = ::getpwnam("postgres");         // NOLINT(concurrency-mt-unsafe)
  return postgres != nullptr ? postgres : ::getpwnam("nobody");  // NOLINT(concurrency-mt-unsafe)
}

// Starts a program as the other user, its output in a log. It ends when we do.
pid_t spawn(const std::string& log, const std::vector<std::string>& command) {
  std::vector<std::string> words = {"setpriv", "--pdeathsig", "QUIT"};
  if (const passwd* const user = other_user()) {
    words.insert(words.end(),
                 {"--reuid", std::to_string(user->pw_uid), "--regid", std::to_string(user->pw_gid), "--clear-groups"});
  }
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files{};
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, "setpriv", &files, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("these tests need setpriv");
  return pid;
}

// False when it still runs after `limit`.
bool ended(pid_t pid, std::chrono::seconds limit, int& status) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

// What went wrong, and what the programs say of it.
std::runtime_error failure(const std::string& what, const std::string& log) {
  const auto said = read_file(log, default_file_limit);
  constexpr std::size_t most = 600;
  const std::string text(said ? as_text(*said) : said.error().text());
  return std::runtime_error(what + ": " + (text.size() > most ? text.substr(text.size() - most) : text));
}

}  // namespace

bool PostgresqlServer::installed() { return !programs().empty(); }

PostgresqlServer::PostgresqlServer(bool durable) : durable_(durable) {
  if (const passwd* const user = other_user()) {
    if (::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("cannot chown");
  }
  int status = -1;
  const pid_t maker =
      spawn(folder_.file("log"), {programs() + "initdb", "--pgdata", folder_.file("data"), "--username", superuser,
                                  "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"});
  constexpr std::chrono::seconds limit(60);
  if (!ended(maker, limit, status)) {
    ::kill(maker, SIGKILL);
    ::waitpid(maker, &status, 0);
  }
  if (status != 0) throw failure("initdb fails with status " + std::to_string(status), folder_.file("log"));
  // Who is called "locked" needs a password.
  std::ofstream(folder_.file("data/pg_hba.conf")) << "local all locked scram-sha-256\nlocal all all trust\n";
  start();
}

PostgresqlServer::~PostgresqlServer() { stop(); }

std::string PostgresqlServer::url(const std::string& database) const {
  return "postgresql:///" + database + "?host=" + folder_.path() + "&user=" + superuser;
}

// A schema of its own, which is made in a tenth of the time of a database of its own.
std::string PostgresqlServer::new_database() {
  const std::string name = "test" + std::to_string(++databases_);
  const auto database = broker::open_database(url("postgres"));
  if (!database) throw failure(database.error().text(), folder_.file("log"));
  if (const auto made = (*database)->execute("CREATE SCHEMA " + name); !made) {
    throw std::runtime_error(made.error().text());
  }
  return url("postgres") + "&options=-csearch_path%3D" + name;
}

void PostgresqlServer::start() {
  pid_ = spawn(folder_.file("log"), {programs() + "postgres", "-D", folder_.file("data"), "-k", folder_.path(), "-c",
                                     "listen_addresses=", "-c", std::string("fsync=") + (durable_ ? "on" : "off"), "-c",
                                     "max_connections=100"});
  for (int i = 0; i < 3000; ++i) {
    if (broker::open_database(url("postgres"))) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw failure("PostgreSQL does not answer", folder_.file("log"));
}

void PostgresqlServer::stop() {
  if (pid_ <= 0) return;
  // An immediate end; what it committed is in its log.
  ::kill(pid_, SIGQUIT);
  int status = 0;
  constexpr std::chrono::seconds limit(20);
  if (!ended(pid_, limit, status)) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
  pid_ = -1;
}

void PostgresqlServer::restart() {
  stop();
  start();
}

}  // namespace attestd::test
