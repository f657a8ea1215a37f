#include "client/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <tuple>

#include "base/terminal.h"

namespace attestd {
namespace {

sigset_t waited_for() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, number);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = waited_for();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::optional<int> Signals::wait(std::chrono::milliseconds time) {
  const sigset_t set = waited_for();
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec limit{whole.count(), static_cast<long>((time - whole).count()) * 1000000L};
  const int number = ::sigtimedwait(&set, nullptr, &limit);
  if (number < 0) return std::nullopt;
  return number;
}

void Signals::obey(int number) {
  std::signal(number, SIG_DFL);  // NOLINT(cert-err33-c): cannot fail for these signals
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(number);  // NOLINT(cert-err33-c): what follows is for when it does
  std::_Exit(128 + number);
}

void Screen::enter() { std::ignore = print("\x1b[?1049h\x1b[?25l\x1b[?7l"); }
void Screen::leave() { std::ignore = print("\x1b[?7h\x1b[?25h\x1b[?1049l"); }

Screen::Size Screen::size() {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) return {};
  return {found.ws_col, found.ws_row};
}

}  // namespace attestd
