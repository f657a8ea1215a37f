// The broker's resources over HTTP, without a connection.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "broker/api_internal.h"
#include "tests/broker/running_service.h"
#include "tests/catch.h"

namespace attestd::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using net::HttpRequest, net::HttpResponse;

HttpResponse answer(RunningService& broker, std::vector<HttpRequest> requests) {
  asio::io_context loop;
  broker::Api api(loop.get_executor(), broker.config, broker.service);
  HttpResponse out;
  for (HttpRequest& request : requests) {
    auto answering = api.answer(std::move(request));
    asio::co_spawn(loop, std::move(answering), [&](const std::exception_ptr& error, HttpResponse response) {
      CHECK(!error);
      out = std::move(response);
    });
    loop.run();
    loop.restart();
  }
  return out;
}

HttpRequest request(const std::string& method, const std::string& path, const std::string& body = {}) {
  HttpRequest out;
  out.method = method;
  out.path = path;
  out.body = body;
  out.address = "192.0.2.1";
  return out;
}

}  // namespace

TEST_CASE("each resource has its method, and nothing else is there") {
  struct Case {
    const char* method;
    const char* path;
    unsigned status;
  };
  const Scratch scratch;
  RunningService broker(scratch.url);
  for (const Case& each : {Case{"GET", "/v1/health", 200},
                           Case{"POST", "/v1/health", 405},
                           Case{"POST", "/kbs/v0/auth", 401},
                           Case{"GET", "/kbs/v0/auth", 405},
                           Case{"POST", "/kbs/v0/attest", 401},
                           Case{"PUT", "/kbs/v0/attest", 405},
                           Case{"GET", "/kbs/v0/resource/a/b/c", 401},
                           Case{"POST", "/kbs/v0/resource/a/b/c", 405},
                           Case{"GET", "/kbs/v0/resource/", 404},
                           Case{"POST", "/v1/challenge", 200},
                           Case{"POST", "/v1/ssh-host-certificates", 400},
                           Case{"POST", "/v1/enrolment", 401},
                           Case{"POST", "/v1/volume-header", 401},
                           Case{"GET", "/v1/token-keys", 200},
                           Case{"HEAD", "/v1/token-keys", 200},
                           Case{"POST", "/v1/token-keys", 404},
                           Case{"GET", "/v1/ssh-authority", 200},
                           Case{"GET", "/metrics", 200},
                           Case{"GET", "/", 404},
                           Case{"GET", "/v1/health/", 404},
                           Case{"GET", "/kbs/v0", 404}}) {
    INFO(each.method << " " << each.path);
    const HttpResponse response = answer(broker, {request(each.method, each.path)});
    CHECK(response.status == each.status);
    CHECK((response.headers.find("Allow: ") != std::string::npos) == (each.status == 405));
  }
}

TEST_CASE("a token arrives as a cookie or as a bearer's, and the body and headers of the answer are the service's") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  const std::string token = broker.token();
  HttpRequest bearer = request("GET", "/kbs/v0/resource/" + std::string(secret_path));
  bearer.fields.set(http::field::authorization, "Bearer " + token);
  CHECK(answer(broker, {bearer}).status == 200);
  HttpRequest cookie = request("GET", "/kbs/v0/resource/" + std::string(secret_path));
  cookie.fields.set(http::field::cookie, "a=b; kbs-session-id=" + token);
  const HttpResponse response = answer(broker, {cookie});
  CHECK(response.status == 200);
  CHECK(decrypt_jwe(response.body, broker.guest.key()));
  const HttpResponse challenged =
      answer(broker, {request("POST", "/kbs/v0/auth", kbs::encode_request(kbs::Request{}))});
  CHECK(challenged.status == 200);
  CHECK(challenged.headers.starts_with("Set-Cookie: kbs-session-id="));
}

TEST_CASE("the metrics count what was decided") {
  const Scratch scratch;
  RunningService broker(scratch.url);
  broker.resource(broker.token());
  broker.resource(broker.token(), "vm/key/none");
  broker.post(&broker::Service::rotation, broker.token(),
              R"({"resource":"vm/disk/none","token":"none","key":")" + std::string(43, 'A') + R"("})");
  const HttpResponse page = answer(broker, {request("GET", "/v1/health"), request("GET", "/metrics")});
  for (const char* line :
       {"attest_broker_challenges_total 3\n", "attest_broker_attestations_total{verdict=\"trusted\"} 3\n",
        "attest_broker_releases_total{decision=\"released\"} 1\n",
        "attest_broker_releases_total{decision=\"refused\"} 1\n",
        "attest_broker_rotations_total{decision=\"rotated\"} 0\n",
        "attest_broker_rotations_total{decision=\"refused\"} 1\n", "attest_broker_failures_total 0\n",
        "attest_broker_request_duration_seconds_count 1\n"}) {
    INFO(line);
    CHECK(page.body.find(line) != std::string::npos);
  }
}

}  // namespace attestd::test
