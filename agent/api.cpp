#include "agent/api_internal.h"
#include "agent/peer.h"

namespace attestd::agent {
namespace asio = boost::asio;

asio::awaitable<HttpResponse> Api::answer(HttpRequest request) {
  const bool is_evidence = request.path == "/v1/evidence";
  if (!is_evidence && request.path != "/v1/status" && request.path != "/v1/health" && request.path != "/metrics") {
    co_return problem_response(
        {problems::not_found, "attestd has /v1/status, /v1/health, /metrics and /v1/evidence", {}});
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (is_evidence ? request.method != "POST" : !reads) {
    const std::string allow = is_evidence ? "POST" : "GET, HEAD";
    co_return problem_response({problems::method_not_allowed, request.path + " has " + allow, allow});
  }
  if (is_evidence) co_return co_await evidence(std::move(request));

  HttpResponse response;
  if (request.path == "/metrics") {
    response.content_type = openmetrics_media_type;
    response.body = render_metrics(state_->metrics, gauges_of(*state_));
    co_return response;
  }
  // The host keys of this moment; a failure is part of the state.
  (void)co_await collector_->surroundings();
  if (request.path == "/v1/status") {
    response.body = status_json(*state_, *config_);
    co_return response;
  }
  const HealthReport health = health_of(*state_);
  response.status = health.unhealthy.empty() ? 200 : 503;
  response.body = health_json(health);
  co_return response;
}

asio::awaitable<HttpResponse> Api::evidence(HttpRequest request) {
  auto pieces = co_await make_evidence(std::move(request));
  if (!pieces) {
    ++state_->metrics.evidence_refused[pieces.error().kind.name];
    co_return problem_response(pieces.error());
  }
  ++state_->metrics.evidence_made;
  HttpResponse response;
  response.content_type = bundle_media_type;
  response.body = std::move(pieces->own);
  response.tail = std::move(pieces->shared);
  co_return response;
}

asio::awaitable<std::expected<BundlePieces, Problem>> Api::make_evidence(HttpRequest request) {
  auto asked = parse_evidence_request(request.body);
  if (!asked) co_return std::unexpected(std::move(asked).error());
  auto peer = peer_of_socket(request.socket);
  if (!peer) co_return std::unexpected(Problem{problems::internal, peer.error().text(), {}});
  asked->peer = *std::move(peer);
  if (auto permitted = permit(*asked); !permitted) co_return std::unexpected(std::move(permitted).error());
  co_return co_await batcher_->ask(*std::move(asked));
}

}  // namespace attestd::agent
