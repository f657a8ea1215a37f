#include <csignal>

#include "daemon/daemon_internal.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"

namespace attestd::daemon {
namespace {

constexpr std::chrono::seconds drain_time{10};

}  // namespace

void Daemon::add_server(UniqueFd listener, net::HttpLimits limits, net::HttpCounters& counters,
                        net::HttpServer::Handler handler, net::HttpServer::Transport transport) {
  servers_.emplace_back(
      loop_.get_executor(), std::move(listener), limits, counters, std::move(handler),
      [](const std::string& sentence, bool accepting) {
        journal(Priority::error, accepting ? events::accept_failed : events::failed, sentence);
      },
      std::move(transport));
}

void Daemon::run(const std::string& status) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  await_signal();
  watchdog_.start();
  memory_.start();
  for (net::HttpServer& server : servers_) server.start();
  notify_manager("READY=1\nSTATUS=" + status);
  loop_.run();
}

void Daemon::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      reload();
    } else {
      stop();
    }
    if (!loop_.stopped()) await_signal();
  });
}

void Daemon::reload() {
  const auto renewed = reload_();
  if (renewed) {
    journal(Priority::notice, events::reloaded, *renewed);
  } else {
    journal(Priority::error, events::configuration_refused, "kept what was there: " + renewed.error().text());
  }
}

void Daemon::stop() {
  if (std::exchange(stopping_, true)) {
    loop_.stop();
    return;
  }
  notify_manager("STOPPING=1");
  journal(Priority::info, events::stopping, "finishes what is under way and stops");
  drain_timer_.expires_after(drain_time);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) loop_.stop();
  });
  left_ = servers_.size();
  for (net::HttpServer& server : servers_) {
    server.drain([this] {
      if (--left_ == 0) loop_.stop();
    });
  }
}

}  // namespace attestd::daemon
