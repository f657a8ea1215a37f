#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/unix_socket.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

// systemd's protocols, as its manual pages and systemd.io have them.
namespace attestd::daemon::test {
namespace {

void set(const char* name, const std::string& value) { REQUIRE(::setenv(name, value.c_str(), 1) == 0); }
std::string our_pid() { return std::to_string(::getpid()); }

// What NOTIFY_SOCKET gets there, at a path or, with "@" in front, in the abstract namespace.
std::string notified(const std::string& at, const std::string& state) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = unix_address(at).value();
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + at.size() + (at[0] == '@' ? 0 : 1));
  if (at[0] == '@') address.sun_path[0] = '\0';
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  set("NOTIFY_SOCKET", at);
  notify_manager(state);
  ::unsetenv("NOTIFY_SOCKET");
  std::array<char, 256> bytes{};
  const ssize_t count = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
  return count < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(count));
}

TEST_CASE("the service manager is told a state at a path and in the abstract namespace") {
  const attestd::test::TemporaryFolder folder;
  CHECK(notified(folder.file("notify"), "READY=1") == "READY=1");
  CHECK(notified("@attestd-test-" + our_pid(), "STATUS=a\nREADY=1") == "STATUS=a\nREADY=1");
  notify_manager("READY=1");  // to nobody
}

TEST_CASE("a watchdog is this process's or nobody's") {
  struct Case {
    std::string microseconds, pid;
    std::optional<std::chrono::microseconds> interval;
  };
  using std::chrono::microseconds;
  for (const auto& [text, pid, interval] : std::vector<Case>{
           {"2000000", our_pid(), microseconds(2000000)},
           {"2000000", "", microseconds(2000000)},
           {"2000000", "1", std::nullopt},
           {"2000000", "x", std::nullopt},
           {"0", our_pid(), std::nullopt},
           {"-1", our_pid(), std::nullopt},
           {"99999999999999999999", our_pid(), std::nullopt},
           {"2s", our_pid(), std::nullopt},
       }) {
    INFO(text << " for " << pid);
    set("WATCHDOG_USEC", text);
    if (!pid.empty()) set("WATCHDOG_PID", pid);
    CHECK(watchdog_interval() == interval);
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }
  CHECK_FALSE(watchdog_interval());
}

TEST_CASE("sockets that were passed to another process are not taken") {
  for (const auto& [pid, count] : std::vector<std::pair<std::string, std::string>>{
           {"1", "1"}, {"", "1"}, {our_pid(), "x"}, {our_pid(), "-1"}, {our_pid(), ""}}) {
    INFO(pid << " " << count);
    if (!pid.empty()) set("LISTEN_PID", pid);
    set("LISTEN_FDS", count);
    const auto taken = take_passed_sockets();
    REQUIRE(taken);
    CHECK(taken->empty());
    CHECK(std::getenv("LISTEN_FDS") == nullptr);
    CHECK(std::getenv("LISTEN_PID") == nullptr);
  }
  set("LISTEN_PID", our_pid());
  set("LISTEN_FDS", "1000000");
  CHECK(take_passed_sockets().error().code == Errc::malformed);
}

TEST_CASE("a field of an entry has its size where it has lines") {
  CHECK(journal_field("MESSAGE", "one") == "MESSAGE=one\n");
  CHECK(journal_field("X", "a\nb") == std::string("X\n\x03\0\0\0\0\0\0\0a\nb\n", 14));
  CHECK(journal_field("X", "") == "X=\n");
}

}  // namespace
}  // namespace attestd::daemon::test
