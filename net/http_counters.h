// What a server counts.
#pragma once

#include <cstdint>

namespace attestd::net {

// Of all connections, for metrics.
struct HttpCounters {
  std::uint64_t open = 0;
  std::uint64_t total = 0;
};

}  // namespace attestd::net
