// Asks vendors' key services, as patiently and as rarely as they want it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "keys/key_cache.h"
#include "net/http_fetch.h"

namespace attestd {

struct KeyServiceOptions {
  std::chrono::milliseconds timeout{15000};   // of one request
  std::chrono::milliseconds patience{60000};  // of all waiting between requests together
  std::string ca_file;                        // roots of https; empty: the system's
  // The world, for tests.
  std::function<std::int64_t()> now;  // Unix seconds
  std::function<void(std::chrono::milliseconds)> sleep;
};

class KeyService {
 public:
  // `cache` remembers across runs what Retry-After asked for. It must outlive this.
  KeyService(const KeyCache& cache, KeyServiceOptions options);

  // The response of status 200. Tries three times when the service is
  // unreachable, hangs or breaks off, and as long as patience lasts when it asks to come
  // back later. Errors: throttled (patience ends; nothing was asked when the time is not
  // yet come), and those of http_fetch() and require_ok().
  Result<FetchResponse> get(const std::string& vendor, const std::string& url, std::size_t limit);

 private:
  [[nodiscard]] Result<void> wait(std::chrono::milliseconds time);
  const KeyCache& cache_;
  KeyServiceOptions options_;
  std::chrono::milliseconds patience_;
};

}  // namespace attestd
