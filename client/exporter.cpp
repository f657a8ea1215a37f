#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "client/commands.h"
#include "client/exporter_server_internal.h"
#include "net/tcp_listener.h"

namespace attestd {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds drain_time{10};
constexpr net::HttpLimits http_limits{.body = 4096,
                                      .connections = 512,
                                      .request = std::chrono::seconds(10),
                                      .answer = std::chrono::seconds(10),
                                      .idle = std::chrono::seconds(120)};

}  // namespace

Result<int> run_exporter(const CommonOptions& common, const ExporterOptions& options) {
  ATTESTD_TRY(ExporterAccess access,
              ExporterAccess::make(options.policy_folder, options.targets_file, options.targets_allow));
  ATTESTD_TRY(Prober prober, Prober::make(options.trust));
  ATTESTD_TRY(UniqueFd listener, listen_tcp(options.listen));
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  asio::io_context loop{1};
  net::HttpCounters connections;
  ExporterServer exporter(std::move(access), std::move(prober),
                          {.probes = options.max_probes, .timeout = common.timeout, .https = common.https},
                          connections);
  net::HttpServer server(
      loop.get_executor(), std::move(listener), http_limits, connections,
      [&exporter](net::HttpRequest request) { return exporter.answer(std::move(request)); },
      [](const std::string& sentence, bool /*accepting*/) { complain(sentence); });
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  asio::steady_timer patience(loop);
  signals.async_wait([&](const boost::system::error_code& error, int /*number*/) {
    if (error) return;
    patience.expires_after(drain_time);
    patience.async_wait([&loop](const boost::system::error_code&) { loop.stop(); });
    server.drain([&loop] { loop.stop(); });
  });
  server.start();
  ATTESTD_CHECK(print("attestctl exporter listens at " + options.listen + "\n"));
  loop.run();
  exporter.finish();
  return 0;
}

}  // namespace attestd
