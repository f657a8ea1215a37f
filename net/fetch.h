// What one HTTP exchange asks and gives. The peer is not believed: bytes, headers and time are
// limited, redirects are not followed, and nothing is decompressed. http_fetch() and
// https_fetch() make exchanges.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/tls_channel.h"

namespace attestd {

struct FetchRequest {
  std::string url;                   // http: or https:; no other scheme
  std::string peer;                  // names the peer in errors; empty: the URL
  std::vector<std::string> headers;  // "Metadata: true"
  std::string body;                  // empty: GET, else POST
  std::string content_type;          // of `body`
  std::string user_agent = "attestd";
  std::string unix_socket;         // connects there whatever the URL's host; empty: TCP
  std::string ca_file;             // PEM with the roots for https; empty: the system's
  bool environment_proxy = false;  // honour http_proxy and the like; never for metadata services
  std::string proxy;               // as curl's --proxy; instead of the environment's
  // TLS 1.3 to a server that evidence proves, not a certificate: any will do, unless `ca_file`
  // names roots. The response has the channel.
  bool channel = false;
  // "HOST:PORT" to connect to whatever the URL names, which the certificate is for all the same.
  std::string connect_to;
  std::size_t limit = 0;  // bytes of the response's body
  // The whole exchange, from resolving the name to the last byte.
  std::chrono::milliseconds timeout{15000};
  std::chrono::milliseconds connect_timeout{5000};
};

struct FetchResponse {
  long status = 0;
  std::string body;
  std::string content_type;
  // Names in lower case, values as they came without surrounding blanks.
  std::vector<std::pair<std::string, std::string>> headers;
  // What Retry-After asks for, in seconds or as a date (RFC 9110 section 10.2.3); zero: nothing.
  std::chrono::seconds retry_after{0};
  std::optional<net::TlsChannel> channel;  // that the request was sent on, when it was asked for

  // The first header of this name (lower case).
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

// All header lines of one response together; more is out_of_range.
inline constexpr std::size_t fetch_header_limit = std::size_t{64} << 10U;

// How an exchange is made: http_fetch() or https_fetch(); in tests something else.
using Fetch = std::function<Result<FetchResponse>(const FetchRequest&)>;

// Nothing for status 200. Else an error: throttled (429, 503), not_found (404, 410),
// permission (401, 403), usage (other 4xx), unavailable (all others). `peer` begins the sentence.
Result<void> require_ok(const FetchResponse& response, std::string_view peer);

}  // namespace attestd
