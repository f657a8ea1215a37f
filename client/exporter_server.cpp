#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cmath>

#include <config.h>
#include "base/stopwatch.h"
#include "client/exporter_server_internal.h"
#include "client/probe_metrics.h"
#include "net/query.h"

namespace attestd {
namespace asio = boost::asio;
namespace {

using net::HttpRequest, net::HttpResponse;
using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr unsigned waiting_per_probe = 4;
// So that the answer arrives before the scraper gives up.
constexpr milliseconds scrape_margin{500};
constexpr milliseconds shortest_timeout{100};

constexpr ProblemKind malformed_query{"malformed-query", "The query cannot be used", 400};
constexpr ProblemKind target_refused{"target-refused", "The target may not be asked", 403};
constexpr ProblemKind policy_unknown{"policy-unknown", "There is no such policy", 404};
constexpr ProblemKind target_unusable{"target-unusable", "The target cannot be asked", 422};

constexpr std::string_view help_page =
    "attestctl exporter: asks confidential VMs for evidence, verifies it, and tells Prometheus.\n\n"
    "  /probe?target=https://HOST:28443&policy=NAME   one VM, judged by NAME.toml (default: default)\n"
    "         &module=cached                          by what it gives to all monitors, not with a fresh nonce\n"
    "  /metrics                                       the exporter itself\n"
    "  /-/healthy                                     is it there?\n\n"
    "See attestctl(1) and docs/monitoring.md.\n";

HttpResponse text_page(std::string_view text) {
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = text;
  return response;
}

HttpResponse metrics_page(std::string text) {
  HttpResponse response;
  response.content_type = openmetrics_media_type;
  response.body = std::move(text);
  return response;
}

}  // namespace

ExporterServer::ExporterServer(ExporterAccess access, Prober prober, const Limits& limits,
                               const net::HttpCounters& connections)
    : access_(std::move(access)),
      prober_(std::move(prober)),
      limits_(limits),
      connections_(&connections),
      pool_(limits.probes) {}

void ExporterServer::finish() { pool_.join(); }

asio::awaitable<HttpResponse> ExporterServer::answer(HttpRequest request) {
  if (request.method != "GET" && request.method != "HEAD") {
    co_return net::problem_response({problems::method_not_allowed, request.path + " has GET, HEAD", "GET, HEAD"});
  }
  if (request.path == "/probe") co_return co_await probe(std::move(request));
  if (request.path == "/metrics") co_return metrics_page(own_metrics());
  if (request.path == "/-/healthy") co_return text_page("healthy\n");
  if (request.path == "/") co_return text_page(help_page);
  co_return net::problem_response({problems::not_found, "the exporter has /probe, /metrics and /-/healthy", {}});
}

asio::awaitable<HttpResponse> ExporterServer::probe(HttpRequest request) {
  auto asked = parse(request);
  if (!asked) co_return refuse(asked.error());
  if (metrics_.under_way >= std::size_t{limits_.probes} * (1 + waiting_per_probe)) {
    co_return refuse({problems::overloaded, "too many probes wait; ask again, or allow more with --max-probes", {}});
  }
  const Stopwatch watch;
  const auto deadline = steady_clock::now() + timeout_of(request);
  ++metrics_.under_way;
  // No temporaries in the expression: g++ 12 destroys those of a co_await twice.
  const auto wanted = std::make_shared<const Wanted>(*std::move(asked));
  auto probing = run(wanted, deadline);
  const std::shared_ptr<const ProbeResult> result =
      co_await asio::co_spawn(pool_, std::move(probing), asio::use_awaitable);
  --metrics_.under_way;
  ++(result->failure ? metrics_.failed : metrics_.succeeded);
  metrics_.seconds.observe(watch.seconds());
  co_return metrics_page(render_probe(*result));
}

std::expected<ExporterServer::Wanted, Problem> ExporterServer::parse(const HttpRequest& request) const {
  const auto query = parse_query(request.query);
  if (!query) return attestd::refuse(malformed_query, query.error().text());
  Wanted out;
  std::string target;
  std::string policy = "default";
  for (const auto& [name, value] : *query) {
    if (name == "target") {
      target = value;
    } else if (name == "policy") {
      policy = value;
    } else if (name == "module" && (value == "fresh" || value == "cached")) {
      out.request.cached = value == "cached";
    } else {
      return attestd::refuse(malformed_query, "a probe has target=, policy= and module=fresh or cached, and no more");
    }
  }
  if (target.empty()) return attestd::refuse(malformed_query, "a probe needs target=https://HOST:PORT");
  auto source = access_.target(target);
  if (!source) {
    const bool refusal = source.error().code == Errc::refused;
    return attestd::refuse(refusal ? target_refused : target_unusable, source.error().text());
  }
  out.request.source = *std::move(source);
  auto path = access_.policy(policy);
  if (!path) return attestd::refuse(policy_unknown, path.error().text());
  out.policy = *std::move(path);
  return out;
}

milliseconds ExporterServer::timeout_of(const HttpRequest& request) const {
  const std::string_view text(request.fields["X-Prometheus-Scrape-Timeout-Seconds"]);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double most = 86400;
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0) || seconds > most) {
    return limits_.timeout;
  }
  const milliseconds asked(static_cast<std::int64_t>(seconds * 1000));
  return std::clamp(asked - scrape_margin, shortest_timeout, std::max(limits_.timeout, shortest_timeout));
}

// On a thread of the pool.
asio::awaitable<std::shared_ptr<const ProbeResult>> ExporterServer::run(std::shared_ptr<const Wanted> wanted,
                                                                        steady_clock::time_point deadline) const {
  ProbeRequest request = wanted->request;
  // A moment, at least, so that it ends as a fetch that timed out.
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  request.timeout = std::max(left, milliseconds(1));
  request.https = limits_.https;
  co_return std::make_shared<const ProbeResult>(prober_.probe(request, wanted->policy));
}

HttpResponse ExporterServer::refuse(const Problem& problem) {
  ++metrics_.refused[problem.kind.name];
  return net::problem_response(problem);
}

std::string ExporterServer::own_metrics() const {
  OpenMetricsPage page;
  page.family("attestd_exporter_build", "info", "", "The running exporter.")
      .sample("_info", {{"version", ATTESTD_VERSION}}, 1);
  page.family("attestd_exporter_probes", "counter", "", "Probes made; a failure is one without evidence to judge.")
      .sample("_total", {{"result", "success"}}, static_cast<double>(metrics_.succeeded))
      .sample("_total", {{"result", "failure"}}, static_cast<double>(metrics_.failed));
  page.family("attestd_exporter_refusals", "counter", "", "Probes that were not made, by cause.");
  for (const auto& [cause, count] : metrics_.refused) {
    page.sample("_total", {{"cause", std::string(cause)}}, static_cast<double>(count));
  }
  page.family("attestd_exporter_probes_under_way", "gauge", "", "Probes that run or wait.")
      .sample(static_cast<double>(metrics_.under_way));
  page.family("attestd_exporter_probe_duration_seconds", "histogram", "seconds", "From the scrape to its answer.")
      .histogram(metrics_.seconds);
  page.family("attestd_exporter_connections", "counter", "", "Connections of scrapers.")
      .sample("_total", {}, static_cast<double>(connections_->total));
  page.family("attestd_exporter_connections_open", "gauge", "", "Connections that are open.")
      .sample(static_cast<double>(connections_->open));
  return std::move(page).finish();
}

}  // namespace attestd
