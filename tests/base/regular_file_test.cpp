#include "base/regular_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;

TEST_CASE("what is no regular file is refused at once, and not waited for") {
  const test::TemporaryFolder folder;
  const std::string fifo = folder.path() + "/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const std::string link = folder.path() + "/link";
  REQUIRE(::symlink(fifo.c_str(), link.c_str()) == 0);
  for (const std::string& path : {fifo, link, std::string("/dev/zero"), std::string("/dev/null"), folder.path()}) {
    INFO(path);
    const auto read = read_regular_file(path, 100);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::refused);
  }
  CHECK(read_regular_file(folder.path() + "/none", 100).error().code == Errc::not_found);
}

TEST_CASE("a regular file is read, also by a link to it") {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() + "/file";
  REQUIRE(replace_file(file, as_bytes("text"), 0600));
  const std::string link = folder.path() + "/link";
  REQUIRE(::symlink(file.c_str(), link.c_str()) == 0);
  for (const std::string& path : {file, link}) CHECK(read_regular_file(path, 100) == to_bytes("text"));
  CHECK(read_regular_file(file, 3).error().code == Errc::out_of_range);
}
