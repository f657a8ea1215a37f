#include "client/http.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <cerrno>
#include <optional>

#include "base/unix_socket.h"
#include "evidence/json_internal.h"
#include "net/http_fetch.h"

namespace attestd {
namespace {

constexpr std::size_t text_limit = 500;  // bytes of a problem's title or detail that are shown

// libcurl reports every failure to connect alike; the errno says what to do.
Result<void> probe(const std::string& path) {
  ATTESTD_TRY(const sockaddr_un address, unix_address(path));
  ATTESTD_TRY(const UniqueFd socket, unix_socket(SOCK_NONBLOCK));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    return {};
  }
  const int saved = errno;
  const std::string where = "cannot reach attestd at " + path;
  if (saved == ENOENT) {
    return fail_errno(saved, where + ": start it (systemctl start attestd.socket) or name its socket with --from");
  }
  if (saved == ECONNREFUSED) {
    return std::unexpected(
        Error{Errc::unavailable, where + ": nobody listens there; start attestd.socket", std::nullopt, saved});
  }
  return fail_errno(saved, where);
}

// The agent's problems are named for what failed and how: "hardware-key-wiped".
std::optional<Errc> code_from_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
    std::string code(to_string(static_cast<Errc>(i)));
    std::replace(code.begin(), code.end(), '_', '-');
    if (name == code || name.ends_with("-" + code)) return static_cast<Errc>(i);
  }
  return std::nullopt;
}

std::string member(const boost::json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<FetchResponse> exchange(FetchRequest fetch) {
  fetch.headers = {"Accept: application/json, application/problem+json, application/cmw+json"};
  fetch.user_agent = "attestctl";
  if (!fetch.body.empty()) fetch.content_type = "application/json";
  auto response = http_fetch(fetch);
  if (!response) {
    if (response.error().code == Errc::timed_out) response.error().message += ": wait longer with --timeout";
    return response;
  }
  if (response->status == 200) return response;
  Error error = problem_to_error(response->status, response->content_type, response->body).in(fetch.peer);
  if (response->retry_after.count() > 0) {
    error.message += "; it asks to come back in " + std::to_string(response->retry_after.count()) + " s";
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Error problem_to_error(long status, std::string_view content_type, std::string_view body) {
  Error error{Errc::unavailable, "the answer has the HTTP status " + std::to_string(status), std::nullopt, 0};
  if (status >= 400 && status < 500) error.code = status == 429 ? Errc::throttled : Errc::usage;
  if (!content_type.starts_with("application/problem+json")) return error;
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return error;
  const auto& problem = value->get_object();
  const std::string type = member(problem, "type");
  const std::string name = type.substr(type.find_last_of("/:#") + 1);
  if (const auto code = code_from_name(name)) error.code = *code;
  std::string title = member(problem, "title").substr(0, text_limit);
  const std::string detail = member(problem, "detail").substr(0, text_limit);
  if (title.empty() && detail.empty()) return error;
  if (!title.empty() && !detail.empty() && title != detail) title += ": ";
  error.message = "\"" + (title == detail ? title : title + detail) + "\" (HTTP status " + std::to_string(status) + ")";
  return error;
}

Result<std::string> http_exchange(const HttpRequest& request) {
  ATTESTD_CHECK(probe(request.socket));
  FetchRequest fetch;
  fetch.url = "http://localhost" + request.target;
  fetch.peer = "attestd at " + request.socket;
  fetch.unix_socket = request.socket;
  fetch.body = request.body;
  fetch.limit = request.limit;
  fetch.timeout = request.timeout;
  ATTESTD_TRY(FetchResponse response, exchange(std::move(fetch)));
  return std::move(response.body);
}

namespace {

FetchRequest fetch_of(const HttpsRequest& request) {
  FetchRequest fetch;
  fetch.url = request.server + request.target;
  fetch.peer = request.server;
  fetch.connect_to = request.connect_to;
  fetch.body = request.body;
  fetch.ca_file = request.ca_file;
  fetch.environment_proxy = true;
  fetch.proxy = request.proxy;
  fetch.limit = request.limit;
  fetch.timeout = request.timeout;
  fetch.connect_timeout = request.connect_timeout;
  return fetch;
}

}  // namespace

Result<std::string> certified_exchange(const HttpsRequest& request) {
  ATTESTD_TRY(FetchResponse response, exchange(fetch_of(request)));
  return std::move(response.body);
}

Result<HttpsAnswer> https_exchange(const HttpsRequest& request) {
  FetchRequest fetch = fetch_of(request);
  fetch.channel = true;
  ATTESTD_TRY(FetchResponse response, exchange(std::move(fetch)));
  if (!response.channel) return fail(Errc::internal, request.server + ": the TLS connection has no name");
  return HttpsAnswer{std::move(response.body), *std::move(response.channel)};
}

}  // namespace attestd
