// The resources of docs/api.md. Asio is in here.
#pragma once

#include "agent/batcher_internal.h"
#include "agent/cached_evidence_internal.h"
#include "net/http_server_internal.h"

namespace attestd::agent {

using net::HttpRequest, net::HttpResponse;

class Api {
 public:
  Api(Collector& collector, Batcher& batcher, CachedEvidence& cached, const Config& config, AgentState& state)
      : collector_(&collector), batcher_(&batcher), cached_(&cached), config_(&config), state_(&state) {}
  boost::asio::awaitable<HttpResponse> answer(HttpRequest request);

 private:
  boost::asio::awaitable<HttpResponse> evidence(HttpRequest request);
  boost::asio::awaitable<std::expected<BundlePieces, Problem>> make_evidence(HttpRequest request);
  boost::asio::awaitable<HttpResponse> cached_evidence(HttpRequest request);
  HttpResponse refuse(const Problem& problem);

  Collector* collector_;
  Batcher* batcher_;
  CachedEvidence* cached_;
  const Config* config_;
  AgentState* state_;
};

}  // namespace attestd::agent
