#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <span>
#include <thread>

#include <config.h>
#include "base/secret.h"
#include "base/stopwatch.h"
#include "broker/api_internal.h"

namespace attestd::broker {
namespace asio = boost::asio;
using net::HttpRequest, net::HttpResponse, net::problem_response;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view resource_prefix = "/kbs/v0/resource/";
constexpr std::chrono::seconds patience{30};

HttpResponse response_of(const Reply& reply) {
  HttpResponse out;
  out.status = reply.status;
  out.content_type = reply.content_type;
  out.body = reply.body;
  out.headers = reply.headers;
  return out;
}

HttpResponse text_response(std::string_view content_type, std::string body) {
  HttpResponse out;
  out.content_type = content_type;
  out.body = std::move(body);
  return out;
}

unsigned thread_count(unsigned configured) {
  return configured != 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

Api::Api(const asio::any_io_executor& executor, const Config& config, Service& service)
    : service_(&service), turnstile_(executor, config.limits, patience), pool_(thread_count(config.threads)) {}

Api::~Api() { finish(); }

void Api::post(std::function<void()> job) { asio::post(pool_, std::move(job)); }

void Api::finish() { pool_.join(); }

std::expected<Api::Route, Problem> Api::route(const HttpRequest& request) const {
  static const std::map<std::string_view, Route> routes{
      {"/v1/health", {"GET", &Service::health}},
      {"/kbs/v0/auth", {"POST", &Service::kbs_auth}},
      {"/kbs/v0/attest", {"POST", &Service::kbs_attest}},
      {"/v1/challenge", {"POST", &Service::challenge}},
      {"/v1/ssh-host-certificates", {"POST", &Service::ssh_host_certificates}},
      {"/v1/enrolment", {"POST", &Service::enrolment}},
      {"/v1/volume-header", {"POST", &Service::volume_header}},
      {"/v1/rotation", {"POST", &Service::rotation}},
  };
  Route out{"GET", &Service::kbs_resource};
  if (!request.path.starts_with(resource_prefix)) {
    const auto known = routes.find(request.path);
    if (known == routes.end()) {
      return refuse(problems::not_found, "the broker has no " + request.path.substr(0, 200) + ": see docs/broker.md");
    }
    out = known->second;
  }
  if (request.method == out.method) return out;
  return std::unexpected(Problem{problems::method_not_allowed,
                                 request.path.substr(0, 200) + " has " + std::string(out.method),
                                 std::string(out.method)});
}

asio::awaitable<HttpResponse> Api::answer(HttpRequest request) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (reading && request.path == "/metrics") co_return text_response(openmetrics_media_type, metrics());
  if (reading && request.path == "/v1/token-keys") co_return response_of(service_->token_keys());
  if (reading && request.path == "/v1/ssh-authority") co_return response_of(service_->ssh_authority());
  const auto found = route(request);
  if (!found) co_return problem_response(found.error());
  auto entering = turnstile_.enter(request.address);
  const auto pass = co_await std::move(entering);
  if (!pass) co_return problem_response(pass.error());
  const Stopwatch watch;
  const auto asked =
      std::make_shared<Request>(Request{.address = std::move(request.address),
                                        .path = std::move(request.path),
                                        .body = std::move(request.body),
                                        .cookie = std::string(request.fields[http::field::cookie]),
                                        .authorization = std::string(request.fields[http::field::authorization])});
  // Named: g++ 12 destroys the temporaries of a co_await twice.
  auto running = run(found->handler, asked);
  const std::shared_ptr<const Reply> reply = co_await asio::co_spawn(pool_, std::move(running), asio::use_awaitable);
  seconds_.observe(watch.seconds());
  // A rotation's has a key in it.
  wipe(std::as_writable_bytes(std::span(asked->body)));
  co_return response_of(*reply);
}

// On a thread of the pool.
asio::awaitable<std::shared_ptr<const Reply>> Api::run(Handler handler, std::shared_ptr<const Request> request) {
  co_return std::make_shared<const Reply>((service_->*handler)(*request));
}

std::string Api::metrics() const {
  const ServiceCounters& counters = service_->counters();
  OpenMetricsPage page;
  const auto count = [&page](const char* name, const char* help, double value) {
    page.family(name, "counter", "", help).sample("_total", {}, value);
  };
  page.family("attest_broker_build", "info", "", "The running broker.")
      .sample("_info", {{"version", ATTESTD_VERSION}}, 1);
  count("attest_broker_challenges", "Challenges that were given.", static_cast<double>(counters.challenges));
  page.family("attest_broker_attestations", "counter", "", "Evidence that was judged, by verdict.")
      .sample("_total", {{"verdict", "trusted"}}, static_cast<double>(counters.trusted))
      .sample("_total", {{"verdict", "refused"}}, static_cast<double>(counters.refused));
  page.family("attest_broker_releases", "counter", "", "Secrets that were asked for with a valid token.")
      .sample("_total", {{"decision", "released"}}, static_cast<double>(counters.released))
      .sample("_total", {{"decision", "refused"}}, static_cast<double>(counters.withheld));
  page.family("attest_broker_rotations", "counter", "", "Keys that guests asked to replace with a valid token.")
      .sample("_total", {{"decision", "rotated"}}, static_cast<double>(counters.rotated))
      .sample("_total", {{"decision", "refused"}}, static_cast<double>(counters.rotations_refused));
  count("attest_broker_host_certificates", "OpenSSH host certificates that were signed.",
        static_cast<double>(counters.certificates));
  count("attest_broker_failures", "Requests that failed for a reason of the broker's own.",
        static_cast<double>(counters.failures));
  page.family("attest_broker_answers", "counter", "", "Requests that were answered, by HTTP status.");
  for (const auto& [status, number] : connections_.answers) {
    page.sample("_total", {{"status", std::to_string(status)}}, static_cast<double>(number));
  }
  page.family("attest_broker_request_duration_seconds", "histogram", "seconds", "From a request's turn to its answer.")
      .histogram(seconds_);
  count("attest_broker_connections", "Connections that were accepted.", static_cast<double>(connections_.total));
  page.family("attest_broker_connections_open", "gauge", "", "Connections that are open.")
      .sample(static_cast<double>(connections_.open));
  page.family("attest_broker_requests_waiting", "gauge", "", "Requests that wait for their turn.")
      .sample(static_cast<double>(turnstile_.queue().waiting()));
  return std::move(page).finish();
}

}  // namespace attestd::broker
