// attestctl's options: attestctl(1).
#pragma once

namespace attestd {

// Runs the command that `argv` names; the exit status. Errors are printed.
int run_command_line(int argc, char** argv);

}  // namespace attestd
