#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "hwio/configfs_tsm.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::hwio {
namespace {

using test::TemporaryFolder;

// A process that has ended and was waited for.
pid_t ended_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return pid;
}

TEST_CASE("entries and attributes are folders and files below the root") {
  const TemporaryFolder root;
  const auto files = open_tsm_directory(root.path() + "//");
  REQUIRE(files->make_entry("attestd-1-1"));
  CHECK(std::filesystem::is_directory(root.file("attestd-1-1")));
  root.write("attestd-1-1/inblob", "");
  REQUIRE(files->write("attestd-1-1", "inblob", as_bytes("hello")));
  CHECK(files->read("attestd-1-1", "inblob") == to_bytes("hello"));
  std::filesystem::remove(root.file("attestd-1-1/inblob"));
  REQUIRE(files->remove_entry("attestd-1-1"));
  CHECK(!std::filesystem::exists(root.file("attestd-1-1")));
  CHECK(files->where() == root.path());
}

TEST_CASE("failures keep their errno") {
  const TemporaryFolder root;
  const auto files = open_tsm_directory(root.path());
  REQUIRE(files->make_entry("attestd-1-1"));
  CHECK(files->make_entry("attestd-1-1").error().os_error == EEXIST);
  CHECK(files->read("attestd-1-1", "outblob").error().os_error == ENOENT);
  CHECK(files->write("attestd-1-1", "inblob", as_bytes("x")).error().os_error == ENOENT);
  CHECK(!std::filesystem::exists(root.file("attestd-1-1/inblob")));
  CHECK(files->remove_entry("attestd-9-9").error().os_error == ENOENT);
  CHECK(open_tsm_directory(root.file("absent"))->make_entry("attestd-1-1").error().code == Errc::not_found);
}

TEST_CASE("attributes are read to their end up to their limits") {
  const TemporaryFolder root;
  const auto files = open_tsm_directory(root.path());
  REQUIRE(files->make_entry("attestd-1-1"));
  root.write("attestd-1-1/outblob", std::string(64U << 10U, 'x'));
  CHECK(files->read("attestd-1-1", "outblob").value().size() == 64U << 10U);
  root.write("attestd-1-1/outblob", std::string((64U << 10U) + 1, 'x'));
  CHECK(files->read("attestd-1-1", "outblob").error().code == Errc::out_of_range);
  root.write("attestd-1-1/generation", std::string(4097, '1'));
  CHECK(files->read("attestd-1-1", "generation").error().code == Errc::out_of_range);
}

TEST_CASE("the first entry removes what ended processes of ours left, and nothing else") {
  const TemporaryFolder root;
  const std::string ended = "attestd-" + std::to_string(ended_process()) + "-3";
  const std::string earlier_self = "attestd-" + std::to_string(::getpid()) + "-7";
  const std::string alive = "attestd-" + std::to_string(::getppid()) + "-1";
  for (const std::string& name : {ended, earlier_self, alive, std::string("report0"), std::string("attestd-x-1"),
                                  std::string("attestd-"), std::string("attestd-99999999999999999999-1")}) {
    std::filesystem::create_directory(root.file(name));
  }
  REQUIRE(open_tsm_directory(root.path())->make_entry("attestd-" + std::to_string(::getpid()) + "-7"));
  std::set<std::string> left;
  for (const auto& item : std::filesystem::directory_iterator(root.path())) left.insert(item.path().filename());
  CHECK(left == std::set<std::string>{earlier_self, alive, "report0", "attestd-x-1", "attestd-",
                                      "attestd-99999999999999999999-1"});
}

}  // namespace
}  // namespace attestd::hwio
