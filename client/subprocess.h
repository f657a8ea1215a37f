// A command whose output is evidence.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace attestd {

struct CommandRequest {
  std::string command;                                           // for /bin/sh -c
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::chrono::milliseconds timeout{15000};
  std::size_t limit = 0;  // bytes of standard output
};

// Its standard output; standard error is ours. The command gets a process
// group of its own, which is killed when the time or the limit is exceeded.
// Errors: timed_out, out_of_range, unavailable (exit status not 0), io.
Result<std::string> command_output(const CommandRequest& request);

// A program with our own standard streams, found as the shell finds it; its exit status, 128 and the signal's number
// when one ended it. Errors: not_found (there is no such program), io.
Result<int> run_program(const std::vector<std::string>& arguments);

}  // namespace attestd
