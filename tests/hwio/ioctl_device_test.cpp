#include "hwio/ioctl_device.h"

#include <cerrno>

#include "hwio/sev_guest_abi.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::hwio {
namespace {

TEST_CASE("only a character device is opened") {
  const test::TemporaryFolder folder;
  CHECK(open_ioctl_device(folder.file("absent")).error().code == Errc::not_found);
  const auto file = open_ioctl_device(folder.write("file", ""));
  REQUIRE_FALSE(file);
  CHECK(file.error().code == Errc::not_found);
  CHECK_THAT(file.error().message, Catch::Contains("not a character device"));
}

TEST_CASE("a refused request gives its errno") {
  const auto null_device = open_ioctl_device("/dev/null");
  REQUIRE(null_device);
  sev_guest::GuestRequest request = {};
  CHECK((*null_device)->ioctl(sev_guest::get_report, &request) == ENOTTY);
  CHECK((*null_device)->where() == "/dev/null");
}

}  // namespace
}  // namespace attestd::hwio
