// systemd, as sd_notify(3) and sd_listen_fds(3) show it. Without it, nothing here does anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace attestd::daemon {

// The listening stream sockets that were passed to us, maybe none. Errors: malformed
// (something else was passed).
Result<std::vector<UniqueFd>> take_passed_sockets();
// The one AF_UNIX socket that was passed to us, or none. Errors: malformed (more
// than one, or another socket).
Result<UniqueFd> take_passed_socket();

// Listens at `path`, mode 0666: evidence is public. A socket file that nobody
// answers at is replaced. Errors: busy (somebody answers), usage (too long), io.
Result<UniqueFd> listen_at(const std::string& path);

// Lets this process have so many descriptors, where the hard limit allows it.
void raise_descriptor_limit(std::size_t wanted);

// "READY=1", "STATUS=…"; see sd_notify(3).
void notify_manager(const std::string& state);
// How often the manager wants to hear from us; none without a watchdog.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace attestd::daemon
