#include "client/http.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <cerrno>
#include <memory>
#include <tuple>

#include "base/file.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

struct Received {
  std::string body;
  std::size_t limit = 0;
  bool over_limit = false;
};

std::size_t receive(char* data, std::size_t, std::size_t size, void* user) {
  auto& received = *static_cast<Received*>(user);
  if (size > received.limit - received.body.size()) {
    received.over_limit = true;
    return 0;
  }
  received.body.append(data, size);
  return size;
}

// libcurl reports every failure to connect alike; the errno says what to do.
Result<void> probe(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Errc::usage, "the socket path \"" + path + "\" must have 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " characters");
  }
  std::copy(path.begin(), path.end(), static_cast<char*>(address.sun_path));
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno(errno, "cannot make a socket");
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

Error curl_error(CURLcode code, const HttpRequest& request, const std::string& detail) {
  const std::string where = "attestd at " + request.socket;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {Errc::timed_out,
            where + " gave no answer within " + std::to_string(request.timeout.count()) +
                " ms: see its journal, or wait longer with --timeout",
            std::nullopt, 0};
  }
  return {Errc::unavailable, where + " broke off the exchange: " + detail, std::nullopt, 0};
}

}  // namespace

Error problem_to_error(long status, std::string_view content_type, std::string_view body) {
  Error error{Errc::unavailable, "attestd answered with HTTP status " + std::to_string(status), std::nullopt, 0};
  if (status >= 400 && status < 500) error.code = Errc::usage;
  if (!content_type.starts_with("application/problem+json")) return error;
  const auto value = parse_json(body);
  if (!value || !value->is_object()) return error;
  const auto& problem = value->get_object();
  const std::string type = member(problem, "type");
  const std::string name = type.substr(type.find_last_of("/:#") + 1);
  if (const auto code = code_from_name(name)) error.code = *code;
  std::string title = member(problem, "title");
  const std::string detail = member(problem, "detail");
  if (title.empty() && detail.empty()) return error;
  if (!title.empty() && !detail.empty() && title != detail) title += ": ";
  error.message =
      "attestd says: " + (title == detail ? title : title + detail) + " (HTTP status " + std::to_string(status) + ")";
  return error;
}

Result<std::string> http_exchange(const HttpRequest& request) {
  ATTESTD_CHECK(probe(request.socket));
  const CurlHandle handle(curl_easy_init());
  if (!handle) return fail(Errc::internal, "libcurl does not start");

  Received received{{}, request.limit, false};
  std::array<char, CURL_ERROR_SIZE> detail{};
  const std::string url = "http://localhost" + request.target;
  CURL* const curl = handle.get();
  CurlList headers(
      curl_slist_append(nullptr, "Accept: application/json, application/problem+json, application/cmw+json"));
  bool good = headers != nullptr;
  const auto set = [&](CURLoption option, auto value) {
    good = good && curl_easy_setopt(curl, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_UNIX_SOCKET_PATH, request.socket.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http");
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_USERAGENT, "attestctl");
  set(CURLOPT_ERRORBUFFER, detail.data());
  set(CURLOPT_WRITEFUNCTION, &receive);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&received));
  if (!request.body.empty()) {
    if (curl_slist* const more = curl_slist_append(headers.get(), "Content-Type: application/json")) {
      std::ignore = headers.release();
      headers.reset(more);
    } else {
      good = false;
    }
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  set(CURLOPT_HTTPHEADER, headers.get());
  if (!good) return fail(Errc::internal, "libcurl refuses an option that this program needs");

  const CURLcode code = curl_easy_perform(curl);
  if (received.over_limit) {
    return fail(Errc::out_of_range, "attestd at " + request.socket + " sent more than the " +
                                        std::to_string(request.limit) + " bytes that an answer may have");
  }
  if (code != CURLE_OK) {
    return std::unexpected(curl_error(code, request, detail[0] != '\0' ? detail.data() : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return std::move(received.body);
  const char* type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  return std::unexpected(problem_to_error(status, type != nullptr ? type : "", received.body));
}

}  // namespace attestd
