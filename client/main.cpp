#include <csignal>
#include <cstdio>
#include <exception>

#include "client/command_line.h"

int main(int argc, char** argv) {
  // A reader that goes away is an error of write(2), which says so.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return attestd::run_command_line(argc, argv);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "attestctl: broken: %s; please report this\n", exception.what());
    return 2;
  }
}
