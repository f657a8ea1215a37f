#include <boost/json/serialize.hpp>

#include "agent/resources.h"
#include "evidence/channel_json_internal.h"
#include "gateway/api_internal.h"
#include "gateway/problems.h"

namespace attestd::gateway {
namespace asio = boost::asio;
using net::HttpRequest, net::HttpResponse, net::problem_response;

std::expected<std::string, Problem> with_channel(std::string_view body, const net::TlsChannel& channel) {
  auto value = parse_json(body);
  if (!value) return refuse(problems::malformed_json, "the body is not JSON: " + value.error().text());
  if (!value->is_object()) return refuse(problems::malformed_request, "the body must be a JSON object");
  auto& request = value->get_object();
  if (request.contains("channel")) {
    return refuse(problems::not_permitted, "the channel is the connection that you are on: leave \"channel\" out");
  }
  const auto* const purpose = request.if_contains("purpose");
  if (purpose != nullptr && purpose->is_string() && purpose->get_string() == purpose_name(Purpose::unlock)) {
    return refuse(problems::not_permitted, "the purpose \"unlock\" is for uid 0 on the VM's local socket");
  }
  request["channel"] = channel_to_json({channel.spki_sha256, channel.exporter});
  return boost::json::serialize(request);
}

asio::awaitable<HttpResponse> Api::evidence(HttpRequest request) {
  AgentRequest forwarded{"GET", request.path};
  if (!agent::is_reading(request.method)) {
    if (!request.channel) {
      co_return problem_response({problems::internal, "the request came over no TLS connection", {}});
    }
    auto body = with_channel(request.body, *request.channel);
    if (!body) co_return problem_response(body.error());
    forwarded.method = "POST";
    forwarded.body = *std::move(body);
  } else {
    forwarded.if_none_match = std::string(request.fields[boost::beast::http::field::if_none_match]);
  }
  const auto pass = co_await turnstile_->enter(std::move(request.address));
  if (!pass) co_return problem_response(pass.error());
  co_return co_await forward(std::move(forwarded));
}

}  // namespace attestd::gateway
