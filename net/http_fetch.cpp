#include "net/http_fetch.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <tuple>

#include "base/text.h"

namespace attestd {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

constexpr int curle_too_large = 100;  // CURLE_TOO_LARGE, since libcurl 8.6

// What the callbacks fill.
struct Received {
  CURL* handle = nullptr;
  FetchResponse response;
  std::optional<Error> channel_error;
  std::size_t limit = 0;
  std::size_t header_bytes = 0;
  bool body_over_limit = false;
  bool headers_over_limit = false;
};

std::size_t receive_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& received = *static_cast<Received*>(user);
  if (size > received.limit - received.response.body.size()) {
    received.body_over_limit = true;
    return 0;
  }
  received.response.body.append(data, size);
  return size;
}

constexpr std::string_view line_blanks = " \t\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t receive_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& received = *static_cast<Received*>(user);
  received.header_bytes += size;
  if (received.header_bytes > fetch_header_limit) {
    received.headers_over_limit = true;
    return 0;
  }
  const std::string_view line(data, size);
  auto& headers = received.response.headers;
  // An interim response (1xx) comes before the final one: only the last counts.
  if (line.starts_with("HTTP/")) headers.clear();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || line.starts_with("HTTP/")) return size;
  std::string name(trimmed(line.substr(0, colon), line_blanks));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1), line_blanks));
  return size;
}

// Before anything is sent: a connection that cannot be named gets no request.
int name_channel(void* user, char*, char*, int, int) {
  auto& received = *static_cast<Received*>(user);
  const curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(received.handle, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == nullptr ||
      session->backend != CURLSSLBACKEND_OPENSSL || session->internals == nullptr) {
    received.channel_error = Error{Errc::unsupported, "this libcurl does not use OpenSSL", std::nullopt, 0};
    return CURL_PREREQFUNC_ABORT;
  }
  auto* const connection = static_cast<SSL*>(session->internals);
  auto channel = net::tls_channel(connection, SSL_get0_peer_certificate(connection));
  if (!channel) {
    received.channel_error = std::move(channel).error();
    return CURL_PREREQFUNC_ABORT;
  }
  received.response.channel = *std::move(channel);
  return CURL_PREREQFUNC_OK;
}

bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

Result<void> append(CurlList& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return fail(Errc::internal, "libcurl has no memory for a list");
  std::ignore = list.release();
  list.reset(longer);
  return {};
}

Result<CurlList> list_of(const std::string& item) {
  CurlList list;
  if (!item.empty()) ATTESTD_CHECK(append(list, item));
  return list;
}

Result<CurlList> header_list(const FetchRequest& request) {
  CurlList list;
  const auto add = [&list](const std::string& line) -> Result<void> {
    if (has_line_break(line)) return fail(Errc::usage, "a request header contains a line break");
    return append(list, line);
  };
  for (const std::string& line : request.headers) ATTESTD_CHECK(add(line));
  if (!request.content_type.empty()) ATTESTD_CHECK(add("Content-Type: " + request.content_type));
  // Else libcurl waits a second for a "100 Continue" that small servers never send.
  if (!request.body.empty()) ATTESTD_CHECK(add("Expect:"));
  return list;
}

Error limit_error(const Received& received, const std::string& peer) {
  if (received.headers_over_limit) {
    return {Errc::out_of_range,
            peer + " sent more than the " + std::to_string(fetch_header_limit) + " bytes that its headers may have",
            std::nullopt, 0};
  }
  return {Errc::out_of_range,
          peer + " sent more than the " + std::to_string(received.limit) + " bytes that an answer may have",
          std::nullopt, 0};
}

Error curl_error(CURLcode code, const FetchRequest& request, const std::string& peer, const std::string& detail,
                 bool connected) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
      if (!request.channel) break;
      return {Errc::unsupported, "no TLS 1.3 connection to " + peer + ": " + detail, std::nullopt, 0};
    case CURLE_OPERATION_TIMEDOUT:
      if (!connected) {
        return {Errc::timed_out,
                "cannot reach " + peer + " within " +
                    std::to_string(std::min(request.connect_timeout, request.timeout).count()) + " ms (" + detail + ")",
                std::nullopt, 0};
      }
      return {Errc::timed_out,
              peer + " gave no answer within " + std::to_string(request.timeout.count()) + " ms (" + detail + ")",
              std::nullopt, 0};
    case CURLE_URL_MALFORMAT: return {Errc::usage, "\"" + request.url + "\" is no URL", std::nullopt, 0};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Errc::refused, peer + " shows a TLS certificate that is not trusted: " + detail, std::nullopt, 0};
    case CURLE_SSL_CACERT_BADFILE:
      return {Errc::usage, "cannot use the CA file " + request.ca_file + ": " + detail, std::nullopt, 0};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return {Errc::unavailable, "cannot reach " + peer + ": " + detail, std::nullopt, 0};
    default: break;
  }
  return {Errc::unavailable, peer + " broke off the exchange: " + detail, std::nullopt, 0};
}

// curl_global_init is to run once, before any thread's first handle.
bool libcurl_ready() {
  static std::once_flag once;
  static bool ready = false;
  std::call_once(once, [] { ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; });
  return ready;
}

void set_options(CURL* curl, const FetchRequest& request, const CurlList& headers, const CurlList& connect_to,
                 Received& received, bool& good) {
  const auto set = [&](CURLoption option, auto value) {
    good = good && curl_easy_setopt(curl, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_SSLVERSION, static_cast<long>(request.channel ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
  // SIGALRM is not ours to use: there are threads.
  set(CURLOPT_NOSIGNAL, 1L);
  // Nor is a DNS waited for that keeps the resolver's thread busy beyond our time.
  set(CURLOPT_QUICK_EXIT, 1L);
  // Zero would mean no limit to libcurl.
  const auto at_least_one = [](std::chrono::milliseconds time) {
    return std::max(static_cast<long>(time.count()), 1L);
  };
  set(CURLOPT_TIMEOUT_MS, at_least_one(request.timeout));
  set(CURLOPT_CONNECTTIMEOUT_MS, at_least_one(std::min(request.connect_timeout, request.timeout)));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.limit));
  set(CURLOPT_USERAGENT, request.user_agent.c_str());
  set(CURLOPT_WRITEFUNCTION, &receive_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&received));
  set(CURLOPT_HEADERFUNCTION, &receive_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&received));
  if (!request.proxy.empty() || !request.environment_proxy) set(CURLOPT_PROXY, request.proxy.c_str());
  if (!request.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  if (!request.ca_file.empty()) {
    set(CURLOPT_CAINFO, request.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (request.channel) {
    set(CURLOPT_PREREQFUNCTION, &name_channel);
    set(CURLOPT_PREREQDATA, static_cast<void*>(&received));
    if (request.ca_file.empty()) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }
  if (connect_to) set(CURLOPT_CONNECT_TO, connect_to.get());
  if (headers) set(CURLOPT_HTTPHEADER, headers.get());
  if (!request.body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
}

}  // namespace

Result<FetchResponse> http_fetch(const FetchRequest& request) {
  const std::string peer = request.peer.empty() ? request.url : request.peer;
  if (has_line_break(request.url)) return fail(Errc::usage, "the URL contains a line break");
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return fail(Errc::usage, "\"" + request.url + "\" is no http: or https: URL");
  }
  if (request.channel && !request.url.starts_with("https://")) {
    return fail(Errc::usage, "\"" + request.url + "\" is no https: URL, and only TLS has a channel");
  }
  if (!libcurl_ready()) return fail(Errc::internal, "libcurl does not start");
  const CurlHandle handle(curl_easy_init());
  if (!handle) return fail(Errc::internal, "libcurl does not start");
  ATTESTD_TRY(const CurlList headers, header_list(request));
  ATTESTD_TRY(const CurlList connect_to, list_of(request.connect_to.empty() ? "" : "::" + request.connect_to));

  Received received;
  received.handle = handle.get();
  received.limit = request.limit;
  std::array<char, CURL_ERROR_SIZE> detail{};
  bool good = curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data()) == CURLE_OK;
  set_options(handle.get(), request, headers, connect_to, received, good);
  if (!good) return fail(Errc::internal, "libcurl refuses an option that this program needs");

  const CURLcode code = curl_easy_perform(handle.get());
  // libcurl's own limit is 100 kB for one header line; older versions name it so.
  if (code == CURLE_OUT_OF_MEMORY || static_cast<int>(code) == curle_too_large) received.headers_over_limit = true;
  if (received.body_over_limit || received.headers_over_limit || code == CURLE_FILESIZE_EXCEEDED) {
    return std::unexpected(limit_error(received, peer));
  }
  if (received.channel_error) return std::unexpected(std::move(*received.channel_error).in(peer));
  if (code != CURLE_OK) {
    curl_off_t connected_after = 0;  // microseconds, TLS included
    curl_easy_getinfo(handle.get(),
                      request.url.starts_with("https:") ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T,
                      &connected_after);
    return std::unexpected(curl_error(code, request, peer, detail[0] != '\0' ? detail.data() : curl_easy_strerror(code),
                                      connected_after > 0));
  }
  FetchResponse& response = received.response;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &response.status);
  const char* type = nullptr;
  curl_easy_getinfo(handle.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) response.content_type = type;
  curl_off_t wait = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RETRY_AFTER, &wait);
  response.retry_after = std::chrono::seconds(std::max<curl_off_t>(wait, 0));
  if (response.status >= 300 && response.status < 400) {
    return fail(Errc::refused, peer + " answered with a redirect (HTTP status " + std::to_string(response.status) +
                                   "), and redirects are not followed");
  }
  return std::move(response);
}

}  // namespace attestd
