#include <config.h>
#include "agent/resources.h"
#include "base/openmetrics.h"
#include "gateway/api_internal.h"
#include "gateway/problems.h"
#include "net/asio_into_internal.h"

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
  co_return co_await shared(std::move(request.path));
}

asio::awaitable<HttpResponse> Api::forward(AgentRequest request) {
  auto response = co_await agent_->ask(std::move(request));
  if (response) co_return response_of(*std::move(response));
  const ProblemKind& kind =
      response.error().code == Errc::timed_out ? problems::agent_timed_out : problems::agent_unavailable;
  co_return problem_response({kind, response.error().text(), {}});
}

asio::awaitable<HttpResponse> Api::shared(std::string path) {
  using std::chrono::steady_clock, std::chrono::duration_cast, std::chrono::seconds;
  std::shared_ptr<Shared> last = shared_[path];
  if (last && !last->response) {
    boost::system::error_code ignored;
    co_await last->done.async_wait(net::into(ignored));
  }
  if (last && last->response) {
    const auto age = steady_clock::now() - last->at;
    if (age <= config_->status_max_age) {
      HttpResponse response = *last->response;
      response.headers += "Age: " + std::to_string(duration_cast<seconds>(age).count()) + "\r\n";
      co_return response;
    }
  }
  const auto making = std::make_shared<Shared>(asio::steady_timer(executor_, steady_clock::time_point::max()));
  shared_[path] = making;
  // Named: g++ 12 destroys the temporaries of a co_await twice.
  AgentRequest asked{"GET", path};
  HttpResponse response = co_await forward(std::move(asked));
  making->response = response;
  making->at = steady_clock::now();
  making->done.cancel();
  // Those who waited get a failure too; those who come now ask again.
  if (response.status != 200) shared_.erase(path);
  co_return response;
}

asio::awaitable<HttpResponse> Api::metrics() {
  HttpResponse response = co_await shared("/metrics");
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
  const net::FairQueue& queue = turnstile_->queue();
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
