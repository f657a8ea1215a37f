// The broker's resources over HTTP: to the service on a thread of the pool, one request of an address
// after the other's turn. Asio is in here.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <expected>
#include <map>

#include "base/openmetrics.h"
#include "broker/service.h"
#include "net/http_server_internal.h"
#include "net/turnstile_internal.h"

namespace attestd::broker {

class Api {
 public:
  Api(const boost::asio::any_io_executor& executor, const Config& config, Service& service);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  boost::asio::awaitable<net::HttpResponse> answer(net::HttpRequest request);
  [[nodiscard]] net::HttpCounters& connections() { return connections_; }
  // Runs `job` on a thread of the pool.
  void post(std::function<void()> job);
  // Waits for what is under way.
  void finish();

 private:
  using Handler = Reply (Service::*)(const Request&);
  struct Route {
    std::string_view method;
    Handler handler;
  };
  [[nodiscard]] std::expected<Route, Problem> route(const net::HttpRequest& request) const;
  boost::asio::awaitable<std::shared_ptr<const Reply>> run(Handler handler, std::shared_ptr<const Request> request);
  [[nodiscard]] std::string metrics() const;

  Service* service_;
  net::HttpCounters connections_;
  net::Turnstile turnstile_;
  Histogram<10> seconds_{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}};
  boost::asio::thread_pool pool_;  // the last: its threads use the others
};

}  // namespace attestd::broker
