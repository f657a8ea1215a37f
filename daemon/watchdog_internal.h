// Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace attestd::daemon {

// Tells the service manager that the loop turns: by the loop's own timer, so that one
// that hangs is found out. Nothing without a watchdog (sd_watchdog_enabled(3)).
class Watchdog {
 public:
  explicit Watchdog(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void start();

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace attestd::daemon
