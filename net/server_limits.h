// What a server that faces the network lets its askers have: the keys of [limits] in its configuration.
#pragma once

#include <chrono>

namespace attestd::net {

struct ServerLimits {
  unsigned connections = 0;
  unsigned connections_per_address = 0;  // of one address, or of one /64 of IPv6
  unsigned requests = 0;                 // under way
  unsigned requests_per_address = 0;
  unsigned waiting = 0;  // requests that wait for their turn
  unsigned waiting_per_address = 0;
  std::chrono::milliseconds handshake_timeout{10000};
  std::chrono::milliseconds request_timeout{10000};  // for a request's header and body to arrive
  std::chrono::milliseconds answer_timeout{30000};   // for an answer to be taken
  std::chrono::milliseconds idle_timeout{30000};     // between two requests of one connection
};

}  // namespace attestd::net
