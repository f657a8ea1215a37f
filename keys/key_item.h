// One thing that a key service serves and the cache keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "keys/key_service.h"

namespace attestd {

struct JudgedKeys {
  std::int64_t valid_until = 0;                      // Unix seconds
  std::vector<std::pair<std::string, Bytes>> files;  // as the cache is to have them
};

struct KeyItem {
  std::string vendor;  // "amd", "intel"
  std::string name;    // of its first file in the cache
  std::string url;
  std::size_t limit = 0;  // bytes
  // Is it what it should be, signed by whom it must be, valid now?
  std::function<Result<JudgedKeys>(const FetchResponse&)> judge;
  // The same of what the cache has: when it ends. Errors: anything; then it is fetched.
  std::function<Result<std::int64_t>()> cached_until;
};

struct KeyOutcome {
  enum class Kind { cached, fetched, primed, failed };
  std::string name;
  Kind kind = Kind::failed;
  std::int64_t valid_until = 0;  // unless failed
  std::string detail;            // why it failed
};

// Fetches an item unless the cache has it and it is good at `now`. A service that
// sends what is not good changes nothing in the cache.
KeyOutcome provide_key(const KeyItem& item, const KeyCache& cache, KeyService& service, std::int64_t now);

std::string certificates_to_pem(const std::vector<Bytes>& certificates);

}  // namespace attestd
