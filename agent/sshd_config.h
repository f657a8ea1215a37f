// What sshd says of its own configuration.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace attestd::agent {

// The files that `hostkey` lines of `sshd -T` name, in their order, without
// "none" and repetitions. Pure.
std::vector<std::string> parse_sshd_host_keys(std::string_view output);

// Runs `sshd -T`, with `-f config` unless that is empty, as a child with an empty
// environment. Errors: not_found, timed_out (the child is killed), refused (its
// exit status, and the first line that it wrote on standard error).
Result<std::string> run_sshd_test(const std::string& sshd, const std::string& config,
                                  std::chrono::milliseconds timeout);

// Files whose change may change the answer: the configuration itself and what
// its Include lines name (a pattern's matches, and the folders that they are in).
std::vector<std::string> sshd_config_files(const std::string& config);

}  // namespace attestd::agent
