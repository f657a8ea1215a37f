#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/catch.h"

using namespace attestd;

namespace {

// A folder that goes away with the test; one file or FIFO is made in it.
struct Folder {
  std::string path = "/tmp/attestd-file-test.XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    ::unlink((path + "/target").c_str());
    ::rmdir(path.c_str());
  }
};

}  // namespace

TEST_CASE("a file is replaced whole, with the mode asked for") {
  const Folder folder;
  const std::string target = folder.path + "/target";
  REQUIRE(replace_file(target, as_bytes("a longer text"), 0600));
  REQUIRE(replace_file(target, as_bytes("short"), 0640));
  CHECK(as_text(*read_file(target, 100)) == "short");
  struct stat status{};
  REQUIRE(::stat(target.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("what is no regular file is written to, never replaced") {
  const Folder folder;
  const std::string target = folder.path + "/target";
  REQUIRE(::symlink("/dev/null", target.c_str()) == 0);
  CHECK(replace_file(target, as_bytes("text"), 0600));
  struct stat status{};
  REQUIRE(::lstat(target.c_str(), &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
  REQUIRE(::stat(target.c_str(), &status) == 0);
  CHECK(S_ISCHR(status.st_mode));
}

TEST_CASE("a folder cannot be replaced, and the error says which") {
  const auto done = replace_file("/tmp", as_bytes("text"), 0600);
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "cannot open /tmp");
}

TEST_CASE("a file over the limit is refused") {
  const auto read = read_file("/dev/zero", 1000);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::out_of_range);
}
