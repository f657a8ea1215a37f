#include "agent/api_internal.h"
#include "agent/peer.h"
#include "agent/resources.h"

namespace attestd::agent {
namespace asio = boost::asio;
using net::problem_response;

asio::awaitable<HttpResponse> Api::answer(HttpRequest request) {
  if (const auto problem = check_resource(request.method, request.path)) co_return problem_response(*problem);
  if (request.path == evidence_resource) {
    if (is_reading(request.method)) co_return co_await cached_evidence(std::move(request));
    co_return co_await evidence(std::move(request));
  }

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
  if (!pieces) co_return refuse(pieces.error());
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
  const bool front_end = asked->channel && peer_is_in_group(request.socket, config_->api.channel_group);
  if (auto permitted = permit(*asked, front_end); !permitted) co_return std::unexpected(std::move(permitted).error());
  co_return co_await batcher_->ask(*std::move(asked));
}

asio::awaitable<HttpResponse> Api::cached_evidence(HttpRequest request) {
  using std::chrono::duration_cast, std::chrono::seconds;
  const auto cached = co_await cached_->get();
  if (!cached) co_return refuse(cached.error());
  ++state_->metrics.evidence_made;
  const CachedBundle& bundle = **cached;
  const auto age = duration_cast<seconds>(std::chrono::steady_clock::now() - bundle.made_at);
  HttpResponse response;
  // RFC 9111 sections 4.2 and 5.1: fresh for the rest of max-age, less Age.
  response.cache_control = "max-age=" + std::to_string(duration_cast<seconds>(cached_->max_age()).count());
  response.headers = "Age: " + std::to_string(age.count()) + "\r\nETag: " + bundle.etag + "\r\n";
  if (names_etag(std::string_view(request.fields[boost::beast::http::field::if_none_match]), bundle.etag)) {
    response.status = 304;
    co_return response;
  }
  response.content_type = bundle_media_type;
  response.body = bundle.pieces.own;
  response.tail = bundle.pieces.shared;
  co_return response;
}

HttpResponse Api::refuse(const Problem& problem) {
  ++state_->metrics.evidence_refused[problem.kind.name];
  return problem_response(problem);
}

}  // namespace attestd::agent
