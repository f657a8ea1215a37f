// One HTTP exchange by libcurl: with proxies, the system's roots, sockets in the file system.
#pragma once

#include "net/fetch.h"

namespace attestd {

// The response, whatever its status, but a redirect is an error: `refused`.
// Errors: usage (another scheme, a header with a line break), unavailable (no such host, nobody
// listens, the peer breaks off or sends less than it announced, or what is no
// HTTP), timed_out, out_of_range (body over the limit, announced or not; headers),
// refused (redirect; a TLS certificate that the roots do not confirm), unsupported and crypto (a
// channel that cannot be had; the server knows no TLS 1.3).
// Safe to call from several threads; blocks for at most `timeout`.
Result<FetchResponse> http_fetch(const FetchRequest& request);

}  // namespace attestd
