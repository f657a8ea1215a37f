#include "tests/vectors.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "base/file.h"

namespace attestd::test {
namespace {

// Says at the end of the run what the run did not cover.
struct SkipCounter {
  unsigned skipped = 0;
  ~SkipCounter() {
    if (skipped > 0) std::fprintf(stderr, "skipped %u cases: no genuine evidence (set ATTESTD_VECTORS)\n", skipped);
  }
};

SkipCounter& skips() {
  static SkipCounter counter;
  return counter;
}

}  // namespace

std::string vectors_folder() {
  const char* const named = std::getenv("ATTESTD_VECTORS");
  std::string folder = named != nullptr ? named : ATTESTD_SOURCE_ROOT "/../shared/vectors";
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return {};
  return folder;
}

std::optional<Bytes> vector_file(const std::string& relative_path) {
  const std::string folder = vectors_folder();
  if (folder.empty()) {
    ++skips().skipped;
    return std::nullopt;
  }
  auto bytes = read_file(folder + "/" + relative_path, default_file_limit);
  // A folder that lacks the file is a broken set, not an absent one.
  if (!bytes) {
    std::fprintf(stderr, "%s\n", bytes.error().text().c_str());
    std::abort();
  }
  return *std::move(bytes);
}

}  // namespace attestd::test
