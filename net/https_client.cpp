#include "net/https_client.h"

#include <algorithm>

#include "net/http_response.h"
#include "net/https_url.h"
#include "net/stream.h"

namespace attestd {
namespace {

using Clock = std::chrono::steady_clock;

Error error(Errc code, std::string text) { return {code, std::move(text), std::nullopt, 0}; }

bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

Result<std::string> request_text(const FetchRequest& request, const HttpUrl& url, bool keep) {
  std::string out = (request.body.empty() ? "GET " : "POST ") + url.target + " HTTP/1.1\r\nHost: " + url.authority +
                    "\r\nUser-Agent: " + request.user_agent + "\r\nAccept: */*\r\n" +
                    (keep ? "" : "Connection: close\r\n");
  std::vector<std::string> lines = request.headers;
  if (!request.content_type.empty()) lines.push_back("Content-Type: " + request.content_type);
  if (!request.body.empty()) lines.push_back("Content-Length: " + std::to_string(request.body.size()));
  for (const std::string& line : lines) {
    if (has_line_break(line)) return fail(Errc::usage, "a request header contains a line break");
    out += line + "\r\n";
  }
  return out + "\r\n" + request.body;
}

Error connect_error(Error why, const FetchRequest& request, const std::string& peer) {
  switch (why.code) {
    case Errc::timed_out:
      return error(Errc::timed_out, "cannot reach " + peer + " within " +
                                        std::to_string(std::min(request.connect_timeout, request.timeout).count()) +
                                        " ms (" + why.message + ")");
    case Errc::refused:
      return error(Errc::refused, peer + " shows a TLS certificate that is not trusted: " + why.message);
    case Errc::unsupported: return error(Errc::unsupported, "no TLS 1.3 connection to " + peer + ": " + why.message);
    case Errc::usage:
    case Errc::internal: return std::move(why).in(peer);
    default: return error(Errc::unavailable, "cannot reach " + peer + ": " + why.text());
  }
}

Error exchange_error(const Error& why, const FetchRequest& request, const std::string& peer) {
  switch (why.code) {
    case Errc::timed_out:
      return error(Errc::timed_out, peer + " gave no answer within " + std::to_string(request.timeout.count()) +
                                        " ms (" + why.message + ")");
    case Errc::out_of_range: return error(why.code, peer + " " + why.message);
    default: return error(Errc::unavailable, peer + " broke off the exchange: " + why.text());
  }
}

Result<std::unique_ptr<net::Stream>> connect(const FetchRequest& request, const HttpUrl& url, net::Deadline deadline) {
  ATTESTD_TRY(UniqueFd fd, net::dial(url.server.host, url.server.port, deadline));
  if (!url.tls) return net::plain_stream(std::move(fd));
  return net::tls_stream(std::move(fd), url.server.host, request.ca_file, deadline);
}

Result<net::HttpResponse> exchange(net::Stream& stream, const std::string& text, std::size_t limit,
                                   net::Deadline deadline) {
  ATTESTD_CHECK(stream.write(text, deadline));
  return net::read_response(stream, limit, deadline);
}

Result<void> require_supported(const FetchRequest& request, const HttpUrl& url, const std::string& peer) {
  if (!request.unix_socket.empty() || !request.proxy.empty() || request.environment_proxy || request.channel ||
      !request.connect_to.empty()) {
    return fail(Errc::usage, peer + ": this client knows neither proxies nor channels nor other places to connect to");
  }
  if (url.tls && request.ca_file.empty()) {
    return fail(Errc::usage, peer + ": no file of authorities is given, and no other is believed");
  }
  return {};
}

// Leaves in `kept` a connection that may be used again, or nothing.
Result<FetchResponse> fetch_on(std::unique_ptr<net::Stream>& kept, const FetchRequest& request, bool keep) {
  const std::string peer = request.peer.empty() ? request.url : request.peer;
  const auto now = Clock::now();
  auto stream = std::move(kept);
  ATTESTD_TRY(const HttpUrl url, parse_http_url(request.url));
  ATTESTD_CHECK(require_supported(request, url, peer));
  ATTESTD_TRY(const std::string text, request_text(request, url, keep));
  if (!stream || !stream->quiet()) {
    auto made = connect(request, url, now + std::min(request.connect_timeout, request.timeout));
    if (!made) return std::unexpected(connect_error(std::move(made).error(), request, peer));
    stream = *std::move(made);
  }
  auto answer = exchange(*stream, text, request.limit, now + request.timeout);
  if (!answer) return std::unexpected(exchange_error(answer.error(), request, peer));
  if (keep && answer->reusable) kept = std::move(stream);
  FetchResponse response = std::move(answer->response);
  if (response.status >= 300 && response.status < 400) {
    return fail(Errc::refused, peer + " answered with a redirect (HTTP status " + std::to_string(response.status) +
                                   "), and redirects are not followed");
  }
  return response;
}

}  // namespace

Result<FetchResponse> https_fetch(const FetchRequest& request) {
  std::unique_ptr<net::Stream> none;
  return fetch_on(none, request, false);
}

HttpsClient::HttpsClient() = default;
HttpsClient::HttpsClient(HttpsClient&&) noexcept = default;
HttpsClient& HttpsClient::operator=(HttpsClient&&) noexcept = default;
HttpsClient::~HttpsClient() = default;

Result<FetchResponse> HttpsClient::fetch(const FetchRequest& request) {
  // Everything before the path, and who is believed there.
  const std::string whose =
      request.url.substr(0, request.url.find('/', request.url.find("://") + 3)) + " " + request.ca_file;
  if (whose != kept_for_) kept_.reset();
  kept_for_ = whose;
  return fetch_on(kept_, request, true);
}

}  // namespace attestd
