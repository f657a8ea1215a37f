// The exporter's resources: /probe, /metrics, /-/healthy and a page of help. Asio is in here.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <map>
#include <string_view>

#include "base/openmetrics.h"
#include "client/exporter_access.h"
#include "client/probe.h"
#include "net/http_server_internal.h"

namespace attestd {

class ExporterServer {
 public:
  struct Limits {
    unsigned probes = 16;                      // at once; four times as many may wait
    std::chrono::milliseconds timeout{15000};  // of a probe, when the scraper does not say, and at most
    HttpsOptions https{};
  };
  ExporterServer(ExporterAccess access, Prober prober, const Limits& limits, const net::HttpCounters& connections);

  boost::asio::awaitable<net::HttpResponse> answer(net::HttpRequest request);
  // Waits for the probes that are under way.
  void finish();

 private:
  struct Metrics {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::map<std::string_view, std::uint64_t> refused;  // by the problem's name
    std::size_t under_way = 0;
    Histogram<10> seconds{{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15}};
  };
  struct Wanted {
    ProbeRequest request;
    std::string policy;
  };
  boost::asio::awaitable<net::HttpResponse> probe(net::HttpRequest request);
  [[nodiscard]] std::expected<Wanted, Problem> parse(const net::HttpRequest& request) const;
  [[nodiscard]] std::chrono::milliseconds timeout_of(const net::HttpRequest& request) const;
  boost::asio::awaitable<std::shared_ptr<const ProbeResult>> run(std::shared_ptr<const Wanted> wanted,
                                                                 std::chrono::steady_clock::time_point deadline) const;
  [[nodiscard]] std::string own_metrics() const;
  net::HttpResponse refuse(const Problem& problem);

  ExporterAccess access_;
  Prober prober_;
  Limits limits_;
  const net::HttpCounters* connections_;
  Metrics metrics_;
  boost::asio::thread_pool pool_;  // the last: its threads use the others
};

}  // namespace attestd
