#include "agent/service_manager.h"
#include "agent/watchdog_internal.h"

namespace attestd::agent {

void Watchdog::start() {
  const auto interval = watchdog_interval();
  if (!interval) return;
  notify_manager("WATCHDOG=1");
  timer_.expires_after(*interval / 2);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start();
  });
}

}  // namespace attestd::agent
