// What goes wrong at the gateway, beside what any server has. The list is in docs/api.md.
#pragma once

#include "agent/problem.h"

namespace attestd::gateway::problems {

using namespace attestd::agent::problems;
inline constexpr ProblemKind agent_unavailable{"agent-unavailable", "attestd cannot be reached", 503, 5};
inline constexpr ProblemKind agent_timed_out{"agent-timed-out", "attestd does not answer", 504};

}  // namespace attestd::gateway::problems
