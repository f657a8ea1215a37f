#include "sim/tsm_fuse.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "hwio/configfs_tsm.h"
#include "sim/psp.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

using test::psp_config;
using test::report_data;
using test::unsigned_report;

bool no_fuse() {
  if (::access("/dev/fuse", R_OK | W_OK) == 0) return false;
  std::cout << "skipped: /dev/fuse is not usable here\n";
  return true;
}

struct MountedTree {
  test::TemporaryFolder folder;
  Psp psp{psp_config(), unsigned_report};
  TsmModel tree{psp};
  Result<std::unique_ptr<TsmMount>> mount = TsmMount::mount(tree, folder.path());
  std::string path(const std::string& name) const { return folder.path() + "/" + name; }
};

int write_errno(const std::string& path, std::string_view text, int flags = O_WRONLY) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
}
int read_errno(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno;
  char byte = 0;
  return ::read(fd.get(), &byte, 1) < 0 ? errno : 0;
}

TEST_CASE("the mounted tree looks and refuses as configfs does") {
  if (no_fuse()) return;
  MountedTree tree;
  REQUIRE(tree.mount.has_value());
  REQUIRE(::mkdir(tree.path("e").c_str(), 0755) == 0);
  for (const TsmAttribute& attribute : tree.tree.attributes()) {
    struct stat status = {};
    INFO(attribute.name);
    REQUIRE(::stat(tree.path("e/" + std::string(attribute.name)).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == attribute.mode);
    CHECK(status.st_uid == 0);
    CHECK(static_cast<std::uint64_t>(status.st_size) == attribute.size);
  }
  CHECK((::mkdir(tree.path("e").c_str(), 0755) != 0 && errno == EEXIST));
  CHECK((::mkdir(tree.path("e/f").c_str(), 0755) != 0 && errno == EPERM));
  CHECK((::unlink(tree.path("e/inblob").c_str()) != 0 && errno == EPERM));
  CHECK((::open(tree.path("e/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES));
  CHECK(read_errno(tree.path("e/inblob")) == EACCES);
  CHECK(write_errno(tree.path("e/outblob"), "x") == EACCES);
  CHECK(read_errno(tree.path("e/outblob")) == EINVAL);
  CHECK(write_errno(tree.path("e/inblob"), std::string(65, 'x')) == EFBIG);
  CHECK(write_errno(tree.path("e/privlevel"), "7") == EINVAL);
  CHECK(write_errno(tree.path("e/privlevel"), "1\n", O_WRONLY | O_TRUNC) == 0);
  CHECK(write_errno(tree.path("e/inblob"), "short") == 0);
  CHECK(read_errno(tree.path("e/outblob")) == EINVAL);  // SNP wants 64 bytes
  CHECK(write_errno(tree.path("e/inblob"), std::string(64, 'x')) == 0);
  CHECK(as_text(read_file(tree.path("e/generation"), 100).value()) == "3\n");
  CHECK(read_file(tree.path("e/outblob"), 100000).value().size() == snp_report_size);
  CHECK((::rmdir(tree.path("absent").c_str()) != 0 && errno == ENOENT));
  CHECK(::rmdir(tree.path("e").c_str()) == 0);
}

TEST_CASE("hwio's configfs-tsm gets reports through the mount, through faults") {
  if (no_fuse()) return;
  MountedTree tree;
  REQUIRE(tree.mount.has_value());
  const auto device =
      hwio::make_configfs_tsm(hwio::open_tsm_directory(tree.folder.path()),
                              {.privlevel = {}, .attempts = 6, .first_backoff = std::chrono::milliseconds(1)});
  tree.psp.set_faults({.busy = 1});
  tree.tree.set_race(1);
  tree.tree.set_would_block(1);
  const auto report = device->report(report_data(5));
  INFO((report ? std::string("report") : report.error().text()));
  REQUIRE(report.has_value());
  CHECK(report->attempts > 1);
  CHECK(std::to_integer<int>(report->report.at(0x50)) == 5);
  CHECK(as_text(report->certificates) == "certificates of the host");
  tree.psp.set_faults({.wipe_key_after = 0});
  const auto wiped = device->report(report_data(5));
  REQUIRE_FALSE(wiped.has_value());
  CHECK(wiped.error().code == Errc::key_wiped);
}

TEST_CASE("many processes may use the mount at once") {
  if (no_fuse()) return;
  MountedTree tree;
  REQUIRE(tree.mount.has_value());
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> askers;
    for (unsigned char i = 1; i <= 6; ++i) {
      askers.emplace_back([&, i] {
        const auto device =
            hwio::make_configfs_tsm(hwio::open_tsm_directory(tree.folder.path()),
                                    {.privlevel = {}, .attempts = 4, .first_backoff = std::chrono::milliseconds(1)});
        for (int n = 0; n < 10; ++n) {
          const auto report = device->report(report_data(i));
          if (report && report->report.at(0x50) == std::byte{i}) ++good;
        }
      });
    }
  }
  CHECK(good == 60);
}

TEST_CASE("a mount point that is taken, absent or full is refused, and a mount goes with its handle") {
  if (no_fuse()) return;
  MountedTree tree;
  REQUIRE(tree.mount.has_value());
  const auto again = TsmMount::mount(tree.tree, tree.folder.path());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == Errc::refused);
  CHECK_FALSE(TsmMount::mount(tree.tree, tree.path("absent")).has_value());
  const test::TemporaryFolder full;
  REQUIRE(::mkdir((full.path() + "/x").c_str(), 0700) == 0);
  CHECK_FALSE(TsmMount::mount(tree.tree, full.path()).has_value());
  REQUIRE(::mkdir(tree.path("e").c_str(), 0755) == 0);
  tree.mount->reset();
  CHECK(std::filesystem::is_empty(tree.folder.path()));
}

}  // namespace
}  // namespace attestd::sim
