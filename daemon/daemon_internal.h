// What servers of ours have in common: a loop, its signals, and an end that loses no request.
// Asio is in here.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <string>

#include "daemon/spare_memory_internal.h"
#include "daemon/watchdog_internal.h"
#include "net/http_server_internal.h"

namespace attestd::daemon {

class Daemon {
 public:
  // Reads the configuration again, on SIGHUP; says what was read.
  using Reload = std::function<Result<std::string>()>;
  explicit Daemon(Reload reload) : reload_(std::move(reload)) {}

  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  // One more server, from run() on. Its complaints go to the journal.
  void add_server(UniqueFd listener, net::HttpLimits limits, net::HttpCounters& counters,
                  net::HttpServer::Handler handler, net::HttpServer::Transport transport);
  // Until SIGTERM or SIGINT, and then until the requests under way are answered, 10 s at most; a
  // second signal ends at once. `status` is for the service manager.
  void run(const std::string& status);

 private:
  void await_signal();
  void reload();
  void stop();

  Reload reload_;
  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_{loop_};
  boost::asio::steady_timer drain_timer_{loop_};
  Watchdog watchdog_{loop_.get_executor()};
  SpareMemory memory_{loop_.get_executor()};
  std::deque<net::HttpServer> servers_;
  std::size_t left_ = 0;
  bool stopping_ = false;
};

}  // namespace attestd::daemon
