// ServerLimits, as configurations name them. toml++ is in here, for .cpp files only.
#pragma once

#include "base/settings_internal.h"
#include "net/server_limits.h"

namespace attestd::net {

// Into `keys`, with the place of each in `limits`.
inline void add_limits(std::vector<settings::Key>& keys, ServerLimits& limits) {
  using settings::duration, settings::number;
  constexpr unsigned most = 100000;
  const std::vector<settings::Key> ours{
      {"limits", "connections", number(limits.connections, 1, most)},
      {"limits", "connections-per-address", number(limits.connections_per_address, 1, most)},
      {"limits", "requests", number(limits.requests, 1, most)},
      {"limits", "requests-per-address", number(limits.requests_per_address, 1, most)},
      {"limits", "waiting", number(limits.waiting, 1, most)},
      {"limits", "waiting-per-address", number(limits.waiting_per_address, 1, most)},
      {"limits", "handshake-timeout", duration(limits.handshake_timeout)},
      {"limits", "request-timeout", duration(limits.request_timeout)},
      {"limits", "answer-timeout", duration(limits.answer_timeout)},
      {"limits", "idle-timeout", duration(limits.idle_timeout)},
  };
  keys.insert(keys.end(), ours.begin(), ours.end());
}

}  // namespace attestd::net
