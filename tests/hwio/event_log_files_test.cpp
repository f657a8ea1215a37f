#include "hwio/event_log_files.h"

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::hwio {
namespace {

TEST_CASE("event logs are read whole, up to their limit") {
  const test::TemporaryFolder folder;
  const auto read = GENERATE(&read_firmware_event_log, &read_userspace_event_log);
  const std::string path = folder.write("log", std::string(event_log_limit, 'x'));
  CHECK(read(path).value().size() == event_log_limit);
  folder.write("log", std::string(event_log_limit + 1, 'x'));
  CHECK(read(path).error().code == Errc::out_of_range);
  folder.write("log", "");
  CHECK(read(path).value().empty());
  CHECK(read(folder.file("absent")).error().code == Errc::not_found);
}

TEST_CASE("the userspace log is read when its writer has let go of it") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("log", "half");
  UniqueFd writer(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  REQUIRE(::flock(writer.get(), LOCK_EX) == 0);
  std::jthread thread([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    [[maybe_unused]] const auto written = write_all(writer.get(), "log", as_bytes(" and half"));
    writer.reset();
  });
  CHECK(as_text(read_userspace_event_log(path).value()) == "half and half");
}

TEST_CASE("a userspace log that stays locked is reported as busy") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("log", "x");
  const UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(::flock(writer.get(), LOCK_EX) == 0);
  CHECK(read_userspace_event_log(path).error().code == Errc::busy);
}

}  // namespace
}  // namespace attestd::hwio
