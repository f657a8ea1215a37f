// Who asks, as the kernel says.
#pragma once

#include <string>
#include <string_view>

#include "evidence/statement.h"

namespace attestd::agent {

// The systemd unit in the text of /proc/PID/cgroup (cgroups(7)): in the unified
// hierarchy's line, the first part of the path that is no slice. Empty when there
// is none. Pure; the text is partly chosen by whoever runs the process.
std::string unit_of_cgroup(std::string_view text);

// By SO_PEERCRED. The unit is information: the process may have gone, and its
// number may be another's by now.
Result<StatementPeer> peer_of_socket(int fd);

// Whether the process at the other end was, when it connected, of uid 0 or in the
// group of this name: by SO_PEERCRED and SO_PEERGROUPS (unix(7)). False when there is
// no such group, or nobody can tell.
bool peer_is_in_group(int fd, const std::string& group);

}  // namespace attestd::agent
