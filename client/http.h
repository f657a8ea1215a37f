// One HTTP exchange with the agent, over its socket or by way of attestd-gateway.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tls_channel.h"

namespace attestd {

struct HttpRequest {
  std::string socket;  // path of the AF_UNIX socket
  std::string target;  // "/v1/status"
  std::string body;    // JSON; empty: GET, else POST
  std::chrono::milliseconds timeout{15000};
  std::size_t limit = 0;  // bytes of the response
};

// The body of a response of status 200. Errors: not_found and permission (the
// socket), unavailable (nobody listens, connection lost), timed_out,
// out_of_range (over the limit), and for other statuses the code and sentence
// of the problem (RFC 9457) that the agent sent.
Result<std::string> http_exchange(const HttpRequest& request);

struct HttpsRequest {
  std::string server;      // "https://vm.example:28443"
  std::string connect_to;  // "HOST:PORT" where it is; empty: as `server` says
  std::string target;      // "/v1/evidence"
  std::string body;        // JSON; empty: GET, else POST
  std::string ca_file;     // roots for the server's certificate (PEM); empty: any certificate will do
  std::string proxy;       // empty: as the environment says
  std::chrono::milliseconds timeout{15000};
  std::chrono::milliseconds connect_timeout{5000};
  std::size_t limit = 0;  // bytes of the response
};
struct HttpsAnswer {
  std::string body;
  net::TlsChannel channel;
};
// The same over TLS 1.3, with the connection that it was. Errors: also those of http_fetch(); throttled.
Result<HttpsAnswer> https_exchange(const HttpsRequest& request);

// The same from a server that its certificate must prove: by the roots of `ca_file`, or else the
// system's.
Result<std::string> certified_exchange(const HttpsRequest& request);

// The error that a response of another status stands for. The
// `type` of application/problem+json chooses the code where it ends in an Errc's name.
Error problem_to_error(long status, std::string_view content_type, std::string_view body);

}  // namespace attestd
