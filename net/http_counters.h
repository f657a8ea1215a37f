// What a server counts.
#pragma once

#include <cstdint>
#include <map>

namespace attestd::net {

// Of all connections, for metrics.
struct HttpCounters {
  std::uint64_t open = 0;
  std::uint64_t total = 0;
  std::uint64_t turned_away = 0;  // for lack of room, of all or of their address
  std::uint64_t handshakes_failed = 0;
  std::map<unsigned, std::uint64_t> answers{};  // by HTTP status
};

}  // namespace attestd::net
