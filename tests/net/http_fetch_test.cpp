#include "net/http_fetch.h"

#include <cstdlib>

#include "net/https_client.h"
#include "tests/catch.h"
#include "tests/net/local_server.h"

namespace attestd::test {
namespace {

using namespace std::chrono_literals;

FetchRequest request_to(const std::string& url) {
  FetchRequest request;
  request.url = url;
  request.limit = 1000;
  request.timeout = 60s;
  return request;
}

using Client = Result<FetchResponse> (*)(const FetchRequest&);

Errc code_of(const FetchRequest& request, Client fetch) {
  const auto response = fetch(request);
  REQUIRE_FALSE(response);
  INFO(response.error().text());
  CHECK(response.error().message.find(request.peer) != std::string::npos);
  return response.error().code;
}

struct Case {
  std::string name;
  Answer reply;
  Errc code;
};

TEST_CASE("a good answer comes with its status, type, headers and body") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  const LocalServer server([](const SeenRequest&) {
    return answer(200, "hello", "Content-Type: text/plain\r\nX-Chain:   a b \r\nx-chain: second\r\n");
  });
  auto request = request_to(server.url() + "/a?b=c");
  request.headers = {"Metadata: true"};
  const auto response = fetch(request);
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "hello");
  CHECK(response->content_type == "text/plain");
  CHECK(response->header("x-chain") == "a b");
  CHECK_FALSE(response->header("x-other"));
  const auto seen = server.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "GET");
  CHECK(seen[0].target == "/a?b=c");
  CHECK(seen[0].head.find("Metadata: true\r\n") != std::string::npos);
  CHECK(seen[0].head.find("Accept-Encoding") == std::string::npos);
}

TEST_CASE("a request with a body is posted with its type") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  const LocalServer server([](const SeenRequest& request) { return answer(200, request.body); });
  auto request = request_to(server.url() + "/acc/tdquote");
  request.body = R"({"report":"AAAA"})";
  request.content_type = "application/json";
  const auto response = fetch(request);
  REQUIRE(response);
  CHECK(response->body == request.body);
  const auto seen = server.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].head.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(seen[0].head.find("Expect:") == std::string::npos);
}

TEST_CASE("what a peer does wrong is an error of its own, and never a response") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  Answer flood{ok + "\r\n", std::uint64_t{100} << 20U, false};
  Answer announced = answer(200, std::string(1001, 'x'));
  const std::vector<Case> cases{
      {"100 MB without an announced length", flood, Errc::out_of_range},
      {"one byte over the limit, announced", announced, Errc::out_of_range},
      {"an endless header", {ok + "X-A: ", std::uint64_t{10} << 20U, true}, Errc::out_of_range},
      {"many headers",
       {ok +
            [] {
              std::string lines;
              for (int i = 0; i < 10000; ++i) lines += "X-A: 0123456789\r\n";
              return lines;
            }() +
            "Content-Length: 0\r\n\r\n",
        0, false},
       Errc::out_of_range},
      {"fewer bytes than announced", {ok + "Content-Length: 100\r\n\r\nabc", 0, false}, Errc::unavailable},
      {"a chunked body that ends early",
       {ok + "Transfer-Encoding: chunked\r\n\r\n64\r\nabc", 0, false},
       Errc::unavailable},
      {"chunks that are none", {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 0, false}, Errc::unavailable},
      {"nothing at all", {"", 0, false}, Errc::unavailable},
      {"what is no HTTP", {std::string("\x16\x03\x01garbage\n\n", 12), 0, false}, Errc::unavailable},
      {"a redirect within the host", answer(302, "", "Location: /other\r\n"), Errc::refused},
      {"a redirect to a file", answer(301, "", "Location: file:///etc/passwd\r\n"), Errc::refused},
      {"not modified, which was not asked", {"HTTP/1.1 304 -\r\n\r\n", 0, false}, Errc::refused},
  };
  for (const auto& [name, reply, code] : cases) {
    INFO(name);
    const LocalServer server([&reply = reply](const SeenRequest&) { return reply; });
    auto request = request_to(server.url());
    request.peer = "the test's server";
    CHECK(code_of(request, fetch) == code);
    CHECK(server.seen().size() == 1);
  }
}

TEST_CASE("exactly the limit is no error") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  const LocalServer server([](const SeenRequest&) { return answer(200, std::string(1000, 'x')); });
  const auto response = fetch(request_to(server.url()));
  REQUIRE(response);
  CHECK(response->body.size() == 1000);
}

TEST_CASE("a peer that hangs ends with the deadline, wherever it hangs") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  const std::vector<std::pair<std::string, Answer>> cases{
      {"before a byte", {"", 0, true}},
      {"within the headers", {"HTTP/1.1 200 OK\r\nX-A", 0, true}},
      {"within the body", {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 0, true}},
  };
  for (const auto& [name, reply] : cases) {
    INFO(name);
    const LocalServer server([&reply = reply](const SeenRequest&) { return reply; });
    auto request = request_to(server.url());
    request.timeout = 200ms;
    CHECK(code_of(request, fetch) == Errc::timed_out);
  }
}

TEST_CASE("a port where nobody listens is unavailable") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  std::string url;
  {
    const LocalServer server([](const SeenRequest&) { return answer(200, ""); });
    url = server.url();
  }
  CHECK(code_of(request_to(url), fetch) == Errc::unavailable);
}

TEST_CASE("other schemes and headers that hide another are not sent") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  CHECK(code_of(request_to("file:///etc/hostname"), fetch) == Errc::usage);
  CHECK(code_of(request_to("no URL"), fetch) == Errc::usage);
  const LocalServer server([](const SeenRequest&) { return answer(200, ""); });
  auto request = request_to(server.url());
  request.headers = {"X-A: b\r\nX-C: d"};
  CHECK(code_of(request, fetch) == Errc::usage);
  CHECK(code_of(request_to(server.url() + "/\r\nX-C: d"), fetch) == Errc::usage);
  CHECK(server.seen().empty());
}

TEST_CASE("a proxy in the environment is used only where this was asked") {
  const LocalServer proxy([](const SeenRequest&) { return answer(200, "by the proxy"); });
  const LocalServer server([](const SeenRequest&) { return answer(200, "directly"); });
  REQUIRE(::setenv("http_proxy", proxy.url().c_str(), 1) == 0);
  auto request = request_to(server.url());
  const auto direct = http_fetch(request);
  request.environment_proxy = true;
  const auto proxied = http_fetch(request);
  REQUIRE(::unsetenv("http_proxy") == 0);
  REQUIRE(direct);
  CHECK(direct->body == "directly");
  REQUIRE(proxied);
  CHECK(proxied->body == "by the proxy");
}

TEST_CASE("Retry-After is told in seconds, whichever way it is written") {
  const Client fetch = GENERATE(&http_fetch, &https_fetch);
  struct Written {
    std::string value;
    std::chrono::seconds least, most;
  };
  for (const auto& [value, least, most] : std::vector<Written>{
           {"7", 7s, 7s},
           {"0", 0s, 0s},
           {"-5", 0s, 0s},
           {"soon", 0s, 0s},
           {"Wed, 21 Oct 2015 07:28:00 GMT", 0s, 0s},
           {"Fri, 31 Dec 2099 23:59:59 GMT", 24h * 365, 24h * 365 * 100},
       }) {
    INFO(value);
    const LocalServer server(
        [&value = value](const SeenRequest&) { return answer(429, "", "Retry-After: " + value + "\r\n"); });
    const auto response = fetch(request_to(server.url()));
    REQUIRE(response);
    CHECK(response->retry_after >= least);
    CHECK(response->retry_after <= most);
  }
}

TEST_CASE("every status but 200 is an error that says what to do about it") {
  for (const auto& [status, code] : std::vector<std::pair<long, Errc>>{{401, Errc::permission},
                                                                       {403, Errc::permission},
                                                                       {404, Errc::not_found},
                                                                       {410, Errc::not_found},
                                                                       {400, Errc::usage},
                                                                       {429, Errc::throttled},
                                                                       {503, Errc::throttled},
                                                                       {500, Errc::unavailable},
                                                                       {204, Errc::unavailable},
                                                                       {0, Errc::unavailable}}) {
    INFO(status);
    FetchResponse response;
    response.status = status;
    const auto ok = require_ok(response, "the service");
    REQUIRE_FALSE(ok);
    CHECK(ok.error().code == code);
  }
  FetchResponse good;
  good.status = 200;
  CHECK(require_ok(good, "the service"));
}

}  // namespace
}  // namespace attestd::test
