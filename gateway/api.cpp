#include <config.h>
#include "agent/resources.h"
#include "base/openmetrics.h"
#include "gateway/api_internal.h"
#include "gateway/problems.h"

namespace attestd::gateway {
namespace asio = boost::asio;
using net::HttpRequest, net::HttpResponse, net::problem_response;

namespace {

constexpr std::string_view end_of_metrics = "# EOF\n";

HttpResponse response_of(AgentResponse from) {
  HttpResponse out;
  out.status = from.status;
  out.content_type = std::move(from.content_type);
  out.body = std::move(from.body);
  if (!from.cache_control.empty()) out.cache_control = std::move(from.cache_control);
  for (const auto& [name, value] : {std::pair{"ETag: ", &from.etag}, std::pair{"Age: ", &from.age},
                                    std::pair{"Retry-After: ", &from.retry_after}, std::pair{"Allow: ", &from.allow}}) {
    if (!value->empty()) out.headers += name + *value + "\r\n";
  }
  return out;
}

}  // namespace

asio::awaitable<HttpResponse> Api::answer(HttpRequest request) {
  if (const auto problem = agent::check_resource(request.method, request.path)) co_return problem_response(*problem);
  if (request.path == agent::evidence_resource) co_return co_await evidence(std::move(request));
  if (request.path == "/metrics") co_return co_await metrics();
  co_return co_await status(std::move(request));
}

asio::awaitable<HttpResponse> Api::forward(AgentRequest request) {
  auto response = co_await agent_->ask(std::move(request));
  if (response) co_return response_of(*std::move(response));
  const ProblemKind& kind =
      response.error().code == Errc::timed_out ? problems::agent_timed_out : problems::agent_unavailable;
  co_return problem_response({kind, response.error().text(), {}});
}

asio::awaitable<HttpResponse> Api::status(HttpRequest request) {
  using std::chrono::steady_clock, std::chrono::duration_cast, std::chrono::seconds;
  if (const auto kept = kept_.find(request.path); kept != kept_.end()) {
    const auto age = steady_clock::now() - kept->second.at;
    if (age <= config_->status_max_age) {
      HttpResponse response = kept->second.response;
      response.headers += "Age: " + std::to_string(duration_cast<seconds>(age).count()) + "\r\n";
      co_return response;
    }
    kept_.erase(kept);
  }
  // Named: g++ 12 destroys the temporaries of a co_await twice.
  AgentRequest asked{"GET", request.path};
  HttpResponse response = co_await forward(std::move(asked));
  if (response.status == 200) kept_[request.path] = {response, steady_clock::now()};
  co_return response;
}

asio::awaitable<HttpResponse> Api::metrics() {
  AgentRequest asked{"GET", "/metrics"};
  HttpResponse response = co_await forward(std::move(asked));
  // Without attestd's there are still ours.
  std::string text;
  if (response.status == 200 && response.body.ends_with(end_of_metrics)) {
    text = response.body.substr(0, response.body.size() - end_of_metrics.size());
  }
  response = HttpResponse();
  response.content_type = openmetrics_media_type;
  response.body = text + own_metrics();
  co_return response;
}

std::string Api::own_metrics() const {
  const FairQueue& queue = turnstile_->queue();
  const net::HttpCounters& connections = counters_->connections;
  OpenMetricsPage page;
  page.family("attestd_gateway_build", "info", "", "The running gateway.")
      .sample("_info", {{"version", ATTESTD_VERSION}}, 1);
  page.family("attestd_gateway_answers", "counter", "", "Requests that were answered, by HTTP status.");
  for (const auto& [status, count] : connections.answers) {
    page.sample("_total", {{"status", std::to_string(status)}}, static_cast<double>(count));
  }
  page.family("attestd_gateway_connections", "counter", "", "Connections that were accepted.")
      .sample("_total", {}, static_cast<double>(connections.total));
  page.family("attestd_gateway_connections_open", "gauge", "", "Connections that are open.")
      .sample(static_cast<double>(connections.open));
  page.family("attestd_gateway_connections_turned_away", "counter", "", "Connections for which there was no room.")
      .sample("_total", {}, static_cast<double>(connections.turned_away));
  page.family("attestd_gateway_handshakes_failed", "counter", "", "TLS handshakes that came to nothing.")
      .sample("_total", {}, static_cast<double>(connections.handshakes_failed));
  page.family("attestd_gateway_requests_running", "gauge", "", "Requests for evidence that attestd has.")
      .sample(static_cast<double>(queue.running()));
  page.family("attestd_gateway_requests_waiting", "gauge", "", "Requests for evidence that wait for their turn.")
      .sample(static_cast<double>(queue.waiting()));
  if (counters_->certificate_expiry != 0) {
    page.family("attestd_gateway_certificate_expiry_timestamp_seconds", "gauge", "seconds",
                "When the certificate that the gateway made ends.")
        .sample(static_cast<double>(counters_->certificate_expiry));
    page.family("attestd_gateway_certificate_has_evidence", "gauge", "", "Whether it carries evidence of its key.")
        .sample(counters_->certificate_has_evidence ? 1 : 0);
  }
  return std::move(page).finish();
}

}  // namespace attestd::gateway
