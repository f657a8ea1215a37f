#include "net/https_client.h"

#include "base/file.h"
#include "tests/catch.h"
#include "tests/net/local_server.h"
#include "tests/net/tls_server.h"
#include "tests/temporary_folder.h"

// What both clients must do is in http_fetch_test.cpp; here is what TLS adds.
namespace attestd::test {
namespace {

using namespace std::chrono_literals;

const Authority& authority() {
  static const Authority one("the authority");
  return one;
}

// A server with a good certificate of that authority, and who trusts it.
struct Meeting {
  TemporaryFolder folder;
  std::string ca = folder.path() + "/ca.pem";
  TlsServer server;

  explicit Meeting(TlsAnswer reply, TlsServerOptions options = {})
      : Meeting(authority().leaf("DNS:localhost,IP:127.0.0.1,IP:::1"), std::move(reply), options) {}
  Meeting(const Authority::Leaf& leaf, TlsAnswer reply, TlsServerOptions options = {})
      : server(leaf, [reply](const std::string&) { return reply; }, options) {
    trust(authority().pem());
  }
  void trust(const std::string& pem) const { REQUIRE(replace_file(ca, as_bytes(pem), 0600)); }

  [[nodiscard]] FetchRequest request(const std::string& host = "127.0.0.1") const {
    FetchRequest out;
    out.url = server.url(host) + "/kbs/v0/auth";
    out.peer = "the broker";
    out.ca_file = ca;
    out.limit = 1000;
    out.timeout = 30s;
    out.connect_timeout = 20s;
    return out;
  }
};

const std::string ok = "HTTP/1.1 200 OK\r\n";

Error error_of(const FetchRequest& request) {
  auto response = https_fetch(request);
  REQUIRE_FALSE(response);
  INFO(response.error().text());
  CHECK(response.error().message.find("the broker") != std::string::npos);
  return std::move(response).error();
}

TEST_CASE("a server under the authority is believed by name and by address") {
  for (const char* const host : {"127.0.0.1", "localhost"}) {
    INFO(host);
    const Meeting meeting({ok + "Content-Length: 5\r\n\r\nhello"});
    const auto response = https_fetch(meeting.request(host));
    REQUIRE(response);
    CHECK(response->body == "hello");
  }
  const Meeting six({ok + "Content-Length: 5\r\n\r\nhello"}, {.ipv6 = true});
  const auto response = https_fetch(six.request("[::1]"));
  REQUIRE(response);
  CHECK(response->status == 200);
}

TEST_CASE("a certificate that the roots do not confirm is refused, and no request is sent") {
  const Authority other("another authority");
  struct Case {
    std::string name;
    Authority::Leaf leaf;
    std::string host;
  };
  std::vector<Case> cases;
  cases.push_back({"another authority's", other.leaf("IP:127.0.0.1"), "127.0.0.1"});
  cases.push_back({"of the same name, by another key", Authority("the authority").leaf("IP:127.0.0.1"), "127.0.0.1"});
  cases.push_back({"for another address", authority().leaf("IP:127.0.0.2"), "127.0.0.1"});
  cases.push_back({"for a name, asked by address", authority().leaf("DNS:localhost"), "127.0.0.1"});
  cases.push_back({"for an address as a name", authority().leaf("DNS:127.0.0.1"), "127.0.0.1"});
  cases.push_back({"for another name", authority().leaf("DNS:broker.example"), "localhost"});
  cases.push_back({"with the name in its subject alone", authority().leaf("", 3600, "localhost"), "localhost"});
  cases.push_back({"expired", authority().leaf("IP:127.0.0.1", -60), "127.0.0.1"});
  for (const auto& [name, leaf, host] : cases) {
    INFO(name);
    const Meeting meeting(leaf, {ok + "Content-Length: 0\r\n\r\n"});
    const Error error = error_of(meeting.request(host));
    CHECK(error.code == Errc::refused);
    CHECK(error.message.find("certificate that is not trusted") != std::string::npos);
    CHECK(meeting.server.requests() == 0);
  }
}

TEST_CASE("a certificate that the file has itself is believed") {
  const auto leaf = authority().leaf("IP:127.0.0.1");
  const Meeting meeting(leaf, {ok + "Content-Length: 0\r\n\r\n"});
  const openssl::Stream memory(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_X509(memory.get(), leaf.certificate.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  meeting.trust({text, static_cast<std::size_t>(size)});
  CHECK(https_fetch(meeting.request()));
}

TEST_CASE("the system's roots are never believed") {
  const Meeting meeting({ok + "Content-Length: 0\r\n\r\n"});
  auto request = meeting.request();
  for (const std::string& file : {std::string(), meeting.folder.path() + "/none.pem", std::string("/dev/null")}) {
    INFO(file);
    request.ca_file = file;
    CHECK(error_of(request).code == Errc::usage);
  }
  CHECK(meeting.server.requests() == 0);
}

TEST_CASE("a server without TLS 1.3 gets no request") {
  const Meeting meeting({ok + "Content-Length: 0\r\n\r\n"}, {.newest = TLS1_2_VERSION});
  CHECK(error_of(meeting.request()).code == Errc::unsupported);
  CHECK(meeting.server.requests() == 0);
}

TEST_CASE("what a server does wrong inside of TLS is an error of its own") {
  struct Case {
    std::string name;
    TlsAnswer reply;
    Errc code;
  };
  for (const auto& [name, reply, code] : std::vector<Case>{
           {"a body over the limit",
            {ok + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')},
            Errc::out_of_range},
           {"chunks over the limit",
            {ok + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n"},
            Errc::out_of_range},
           {"headers over the limit", {ok + "X-A: " + std::string(70000, 'x') + "\r\n\r\n"}, Errc::out_of_range},
           {"chunks with endless extensions",
            {ok + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300000, 'x')},
            Errc::out_of_range},
           {"a body that ends early", {ok + "Content-Length: 100\r\n\r\nabc"}, Errc::unavailable},
           {"nothing", {""}, Errc::unavailable},
           {"nothing, and a cut", {"", 0ms, false}, Errc::unavailable},
           {"no HTTP", {"SSH-2.0-OpenSSH_9.2\r\n"}, Errc::unavailable},
           {"interim answers alone",
            {[] {
              std::string all;
              for (int i = 0; i < 100; ++i) all += "HTTP/1.1 103 Early Hints\r\n\r\n";
              return all;
            }()},
            Errc::unavailable},
           {"two lengths", {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"}, Errc::unavailable},
           {"a redirect", {"HTTP/1.1 307 -\r\nLocation: https://other/\r\nContent-Length: 0\r\n\r\n"}, Errc::refused},
       }) {
    INFO(name);
    const Meeting meeting(reply);
    CHECK(error_of(meeting.request()).code == code);
  }
}

TEST_CASE("a body without a length is whole only where TLS says that it ended") {
  const Meeting whole({ok + "\r\nhello"});
  const auto response = https_fetch(whole.request());
  REQUIRE(response);
  CHECK(response->body == "hello");
  const Meeting cut({ok + "\r\nhel", 0ms, false});
  CHECK(error_of(cut.request()).code == Errc::unavailable);
  // One that announced its length needs no goodbye, and many servers say none.
  const Meeting announced({ok + "Content-Length: 5\r\n\r\nhello", 0ms, false});
  CHECK(https_fetch(announced.request()));
}

TEST_CASE("chunks are put together, and interim answers left out") {
  const Meeting meeting({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 -\r\nLink: x\r\n\r\n" + ok +
                         "Transfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"});
  const auto response = https_fetch(meeting.request());
  REQUIRE(response);
  CHECK(response->body == "hello");
  CHECK(response->header("set-cookie") == "a=b");
  CHECK_FALSE(response->header("link"));
}

TEST_CASE("a connection is kept for the next exchange where both ends keep it") {
  struct Case {
    std::string name, reply;
    int connections;
  };
  for (const auto& [name, reply, connections] : std::vector<Case>{
           {"kept", ok + "Content-Length: 2\r\n\r\nhi", 1},
           {"closed by the server", ok + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", 3},
           {"with more than was asked", ok + "Content-Length: 2\r\n\r\nhi" + ok + "Content-Length: 0\r\n\r\n", 3},
       }) {
    INFO(name);
    const Meeting meeting({.raw = reply, .keep = true});
    HttpsClient client;
    for (int i = 0; i < 3; ++i) {
      const auto response = client.fetch(meeting.request());
      REQUIRE(response);
      CHECK(response->body == "hi");
    }
    CHECK(meeting.server.requests() == 3);
    CHECK(meeting.server.connections() == connections);
  }
}

TEST_CASE("a connection that the server has ended meanwhile is not used") {
  const Meeting meeting({ok + "Content-Length: 2\r\n\r\nhi"});
  HttpsClient client;
  for (int i = 0; i < 3; ++i) {
    CHECK(client.fetch(meeting.request()));
    meeting.server.settle();
  }
  CHECK(meeting.server.connections() == 3);
}

TEST_CASE("a connection is not used for another server, or under other roots") {
  const Meeting one({.raw = ok + "Content-Length: 1\r\n\r\n1", .keep = true});
  const Meeting two({.raw = ok + "Content-Length: 1\r\n\r\n2", .keep = true});
  HttpsClient client;
  CHECK(client.fetch(one.request()).value().body == "1");
  CHECK(client.fetch(two.request()).value().body == "2");
  auto request = two.request();
  request.ca_file = one.folder.path() + "/none.pem";
  CHECK(client.fetch(request).error().code == Errc::usage);
}

TEST_CASE("a server that drips does not outlive the deadline") {
  const Meeting meeting({ok + "Content-Length: 900\r\n\r\n" + std::string(900, 'x'), 20ms});
  auto request = meeting.request();
  request.timeout = 400ms;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(error_of(request).code == Errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("a peer that never shakes hands is out of reach in time") {
  const LocalServer silent([](const SeenRequest&) { return Answer{"", 0, true}; });
  const Meeting meeting({ok});
  auto request = meeting.request();
  request.url = "https://" + silent.url().substr(7);
  request.connect_timeout = 200ms;
  const Error error = error_of(request);
  CHECK(error.code == Errc::timed_out);
  CHECK(error.message.find("cannot reach") != std::string::npos);
}

TEST_CASE("a peer that talks no TLS breaks off") {
  const LocalServer plain([](const SeenRequest&) { return answer(200, "hello"); });
  const Meeting meeting({ok});
  auto request = meeting.request();
  request.url = "https://" + plain.url().substr(7);
  request.connect_timeout = 500ms;  // that server waits for the end of a request which never comes
  const Errc code = error_of(request).code;
  CHECK((code == Errc::unavailable || code == Errc::timed_out));
}

TEST_CASE("a name that nobody has is unavailable") {
  const Meeting meeting({ok});
  auto request = meeting.request();
  request.url = "https://nobody.invalid/";
  const Errc code = error_of(request).code;
  CHECK((code == Errc::unavailable || code == Errc::timed_out));
}

TEST_CASE("what this client does not know is refused, not left out") {
  const Meeting meeting({ok + "Content-Length: 0\r\n\r\n"});
  const std::vector<std::pair<std::string, void (*)(FetchRequest&)>> cases{
      {"a proxy", [](FetchRequest& r) { r.proxy = "http://127.0.0.1:1"; }},
      {"the environment's proxy", [](FetchRequest& r) { r.environment_proxy = true; }},
      {"a socket", [](FetchRequest& r) { r.unix_socket = "/run/x"; }},
      {"a channel", [](FetchRequest& r) { r.channel = true; }},
      {"another place", [](FetchRequest& r) { r.connect_to = "127.0.0.1:1"; }},
  };
  for (const auto& [name, set] : cases) {
    INFO(name);
    auto request = meeting.request();
    set(request);
    CHECK(error_of(request).code == Errc::usage);
  }
  CHECK(meeting.server.requests() == 0);
}

}  // namespace
}  // namespace attestd::test
