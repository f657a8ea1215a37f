// Whether there is a network yet, so that nobody waits longer than it takes to come.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace attestd::unlock {

// Of /proc/net/route and /proc/net/ipv6_route: some route leads out of this machine. One to link-local addresses
// alone does not.
bool has_route(std::string_view ipv4, std::string_view ipv6);
// Of /etc/resolv.conf: it names a server.
bool has_name_server(std::string_view resolv_conf);

// What this machine has now: a route, and where `names` are to be resolved a server for them.
bool network_is_there(bool names);

// Sleeps for `time`, or where there is no network only until there is.
void sleep_or_network(std::chrono::milliseconds time, const std::function<bool()>& network,
                      const std::function<void(std::chrono::milliseconds)>& sleep);

}  // namespace attestd::unlock
