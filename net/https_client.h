// One HTTP exchange by OpenSSL alone, for programs that must be small: an initrd's.
#pragma once

#include <memory>

#include "net/fetch.h"

namespace attestd {

// As http_fetch(), with less that can be asked for: over https TLS 1.3 alone, and only what the roots of
// `ca_file` confirm; no proxy. http is for metadata services.
// Errors: those of http_fetch(), in the same cases; usage also for https without `ca_file`, and for
// unix_socket, proxy, environment_proxy, channel or connect_to.
// Safe to call from several threads; blocks for at most `timeout`.
Result<FetchResponse> https_fetch(const FetchRequest& request);

namespace net {
class Stream;
}

// The same, on a connection that is kept for the next exchange with the same server under the same
// roots, where both ends keep it: a handshake less. One thread.
class HttpsClient {
 public:
  HttpsClient();
  HttpsClient(HttpsClient&&) noexcept;
  HttpsClient& operator=(HttpsClient&&) noexcept;
  ~HttpsClient();

  Result<FetchResponse> fetch(const FetchRequest& request);

 private:
  std::unique_ptr<net::Stream> kept_;
  std::string kept_for_;
};

}  // namespace attestd
