#include "daemon/service_manager.h"
#include "daemon/watchdog_internal.h"

namespace attestd::daemon {

void Watchdog::start() {
  const auto interval = watchdog_interval();
  if (!interval) return;
  notify_manager("WATCHDOG=1");
  timer_.expires_after(*interval / 2);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start();
  });
}

}  // namespace attestd::daemon
