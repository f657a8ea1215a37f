#include "base/environment.h"

#include <cstdlib>

namespace attestd {

std::string folder_variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no thread changes it
  return value != nullptr && *value == '/' ? value : "";
}

}  // namespace attestd
