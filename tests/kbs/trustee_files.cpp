#include "tests/kbs/trustee_files.h"

#include <cstdio>
#include <cstdlib>

#include "base/file.h"

namespace attestd::test {
namespace {

struct SkipCounter {
  unsigned skipped = 0;
  ~SkipCounter() {
    if (skipped > 0)
      std::fprintf(stderr, "skipped %u cases: no evidence of Trustee's (set ATTESTD_TRUSTEE)\n", skipped);
  }
};

}  // namespace

std::optional<std::string> trustee_file(const std::string& relative_path) {
  static SkipCounter counter;
  const char* const folder = std::getenv("ATTESTD_TRUSTEE");
  if (folder == nullptr) {
    ++counter.skipped;
    return std::nullopt;
  }
  auto bytes = read_file(std::string(folder) + "/" + relative_path, default_file_limit);
  if (!bytes) {
    std::fprintf(stderr, "%s\n", bytes.error().text().c_str());
    std::abort();
  }
  return std::string(as_text(*bytes));
}

}  // namespace attestd::test
