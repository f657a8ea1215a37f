// attestd-sim's command line, checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/machine.h"

namespace attestd::sim {

enum class Verb { run, mint, report, tell };

struct CommandLine {
  Verb verb = Verb::run;
  MachineOptions machine;
  bool in_process = false;                // run the agent here, without FUSE
  std::vector<std::string> start_faults;  // control lines
  std::string control_line;               // of Verb::tell
  std::string report_data;                // hex
  std::string vmpl;                       // of the report; empty: the guest's
  std::string output;
};

struct ParsedCommandLine {
  std::optional<CommandLine> command;  // nothing when help was shown or the line is wrong
  int exit_status = 0;
};

// Prints help and errors itself. Exit status 2 for wrong usage.
ParsedCommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace attestd::sim
