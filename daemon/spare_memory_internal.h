// Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace attestd::daemon {

// Gives memory back to the kernel that a burst of requests left free: glibc keeps pages
// that lie below one in use, whatever they add up to. Looks every second, and acts when more
// than 2 MiB lay free both now and a second ago.
class SpareMemory {
 public:
  explicit SpareMemory(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void start();

 private:
  void look();
  boost::asio::steady_timer timer_;
  std::size_t free_before_ = 0;  // bytes, at the last look
};

}  // namespace attestd::daemon
