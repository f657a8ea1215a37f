// A terminal's other screen, for as long as something is shown on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace attestd {

// Signals that end the program, suspend it or tell of another size are taken from it
// while one of these lives (threads that are started later inherit that), and are
// waited for instead: nothing happens between a signal and the terminal's restoration.
class Signals {
 public:
  Signals();
  // A signal that came within the time.
  static std::optional<int> wait(std::chrono::milliseconds time);
  // Ends the program as the signal would have.
  [[noreturn]] static void obey(int number);
};

class Screen {
 public:
  // xterm's private modes: alternate screen, no cursor, no wrapping.
  Screen() { enter(); }
  ~Screen() { leave(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  // Gives the terminal back, and takes it again.
  static void enter();
  static void leave();

  struct Size {
    std::size_t columns = 80, lines = 24;
  };
  [[nodiscard]] static Size size();
};

}  // namespace attestd
