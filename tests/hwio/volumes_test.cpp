#include "hwio/volumes.h"

#include <filesystem>

#include "hwio/mountinfo.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::hwio {
namespace {

using Layers = std::vector<std::string>;

// A /sys with block devices as the kernel lays them out.
class FakeSysfs {
 public:
  // `name` below devices/: "sda", "sda/sda1", "dm-0".
  void device(const std::string& number, const std::string& name) {
    std::filesystem::create_directories(folder_.file("devices/" + name));
    std::filesystem::create_directories(folder_.file("block"));
    std::filesystem::create_directory_symlink("../devices/" + name, folder_.file("block/" + number));
  }
  void attribute(const std::string& name, const std::string& attribute, const std::string& value) {
    folder_.write("devices/" + name + "/" + attribute, value);
  }
  void mapper(const std::string& number, const std::string& name, const std::string& uuid, const Layers& slaves,
              const std::string& mapper_name = "name") {
    device(number, name);
    attribute(name, "dev", number + "\n");
    attribute(name, "dm/uuid", uuid + "\n");
    attribute(name, "dm/name", mapper_name + "\n");
    for (const std::string& slave : slaves) {
      const auto link =
          std::filesystem::path(folder_.file("devices")) / name / "slaves" / std::filesystem::path(slave).filename();
      std::filesystem::create_directories(link.parent_path());
      std::filesystem::create_directory_symlink(folder_.file("devices/" + slave), link);
    }
  }
  [[nodiscard]] Result<std::vector<MountedVolume>> mounts(const std::string& mountinfo) const {
    return read_mounted_volumes(folder_.write("mountinfo", mountinfo), folder_.file("block"));
  }
  // The layers of one mounted device.
  [[nodiscard]] Layers layers(const std::string& number) const {
    const auto volumes = mounts("1 0 " + number + " / / rw - ext4 /dev/x rw\n");
    REQUIRE(volumes);
    REQUIRE(volumes->size() == 1);
    return volumes->front().layers;
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_CASE("the LUKS2 volumes that a mount is on are told by their UUIDs and names") {
  FakeSysfs sysfs;
  sysfs.device("8:0", "sda");
  sysfs.mapper("253:0", "dm-0", "CRYPT-LUKS2-6a1e2d3c00004000800000000000000a-root", {"sda"});
  sysfs.mapper("253:1", "dm-1", "LVM-abc", {"dm-0"});
  sysfs.mapper("253:2", "dm-2", "CRYPT-LUKS2-nothex3c00004000800000000000000a-bad", {"sda"});
  // The host may give a disk another one's UUID.
  sysfs.mapper("253:3", "dm-3", "CRYPT-LUKS2-6a1e2d3c00004000800000000000000a-data-2", {"sda"});
  sysfs.mapper("253:4", "dm-4", "LVM-def", {"dm-0", "dm-3"});
  sysfs.mapper("253:5", "dm-5", "CRYPT-LUKS2-6a1e2d3c00004000800000000000000a", {"sda"});
  const auto luks = [&](const std::string& number) {
    const auto volumes = sysfs.mounts("1 0 " + number + " / / rw - ext4 /dev/x rw\n");
    REQUIRE(volumes);
    return volumes->at(0).luks;
  };
  const LuksVolume root{"6a1e2d3c-0000-4000-8000-00000000000a", "root"};
  const LuksVolume data{root.uuid, "data-2"};
  using Volumes = std::vector<LuksVolume>;
  CHECK(luks("253:0") == Volumes{root});
  CHECK(luks("253:1") == Volumes{root});
  CHECK(luks("253:2").empty());
  CHECK(luks("253:3") == Volumes{data});
  CHECK(luks("253:4") == Volumes{root, data});
  CHECK(luks("253:5").empty());
  CHECK(luks("8:0").empty());
}

TEST_CASE("each device of device-mapper below a mount is told once, also those side by side") {
  FakeSysfs sysfs;
  sysfs.device("8:0", "sda");
  sysfs.mapper("253:0", "dm-0", "CRYPT-LUKS2-6a1e2d3c00004000800000000000000a-a", {"sda"});
  sysfs.mapper("253:1", "dm-1", "CRYPT-PLAIN-b", {"sda"});
  sysfs.mapper("253:2", "dm-2", "LVM-abc", {"dm-0", "dm-1"});
  sysfs.mapper("253:3", "dm-3", "LVM-def", {"dm-2", "dm-0"});
  const auto volumes = sysfs.mounts("1 0 253:3 / / rw - ext4 /dev/x rw\n2 0 8:0 / /boot rw - ext4 /dev/y rw\n");
  REQUIRE(volumes);
  std::vector<std::string> told;
  for (const MappedLayer& one : volumes->at(0).mapped) told.push_back(one.number + " " + one.layer);
  CHECK(told == std::vector<std::string>{"253:3 lvm", "253:0 crypt-luks2", "253:2 lvm", "253:1 crypt-plain"});
  CHECK(volumes->at(1).mapped.empty());
}

TEST_CASE("the layers below a mount are named from the top down") {
  FakeSysfs sysfs;
  sysfs.device("8:0", "sda");
  sysfs.device("8:1", "sda/sda1");
  sysfs.attribute("sda/sda1", "partition", "1\n");
  sysfs.device("8:2", "sda/sda2");
  sysfs.attribute("sda/sda2", "partition", "2\n");
  sysfs.device("7:0", "loop0");
  sysfs.attribute("loop0", "loop/backing_file", "/image\n");
  sysfs.mapper("253:0", "dm-0", "CRYPT-LUKS2-0123-root", {"sda/sda1"});
  sysfs.mapper("253:1", "dm-1", "LVM-abcdef", {"dm-0"});
  sysfs.mapper("253:2", "dm-2", "CRYPT-SUBDEV-0123-data_dif", {"sda/sda2"}, "data_dif");
  sysfs.mapper("253:3", "dm-3", "CRYPT-LUKS2-0123-data", {"dm-2"});
  sysfs.mapper("253:4", "dm-4", "CRYPT-VERITY-0123-usr", {"sda/sda1", "sda/sda2"});
  sysfs.mapper("253:5", "dm-5", "CRYPT-PLAIN-swap", {"loop0"});
  sysfs.mapper("253:6", "dm-6", "CRYPT-INTEGRITY-x", {"sda"});
  sysfs.mapper("253:7", "dm-7", "CRYPT-LUKS1-0123-old", {"sda"});
  sysfs.mapper("253:8", "dm-8", "CRYPT-TCRYPT-0123", {"sda"});
  sysfs.mapper("253:9", "dm-9", "part1-mpath-1", {"sda"});
  sysfs.mapper("253:10", "dm-10", "", {"sda"});
  sysfs.mapper("253:11", "dm-11", "Bad\x1bName", {"sda"});

  struct Case {
    const char* number;
    Layers layers;
  };
  const std::vector<Case> cases = {
      {"8:0", {"disk"}},
      {"8:1", {"partition", "disk"}},
      {"7:0", {"loop"}},
      {"253:0", {"crypt-luks2", "partition", "disk"}},
      {"253:1", {"lvm", "crypt-luks2", "partition", "disk"}},
      {"253:3", {"crypt-luks2", "integrity", "partition", "disk"}},
      {"253:4", {"verity", "partition", "disk"}},
      {"253:5", {"crypt-plain", "loop"}},
      {"253:6", {"integrity", "disk"}},
      {"253:7", {"crypt-luks1", "disk"}},
      {"253:8", {"crypt-tcrypt", "disk"}},
      {"253:9", {"partition", "disk"}},
      {"253:10", {"device-mapper", "disk"}},
      {"253:11", {"bad_name", "disk"}},
      {"253:99", {"unknown"}},
  };
  for (const Case& the_case : cases) {
    INFO(the_case.number);
    CHECK(sysfs.layers(the_case.number) == the_case.layers);
  }
}

TEST_CASE("one plain disk among encrypted ones is not hidden") {
  FakeSysfs sysfs;
  sysfs.device("8:0", "sda");
  sysfs.device("8:16", "sdb");
  sysfs.mapper("253:0", "dm-0", "CRYPT-LUKS2-1-a", {"sda"});
  sysfs.mapper("253:1", "dm-1", "CRYPT-LUKS2-2-b", {"sdb"});
  sysfs.mapper("253:2", "dm-2", "LVM-both", {"dm-0", "dm-1"});
  sysfs.mapper("253:3", "dm-3", "LVM-one", {"dm-0", "sdb"});
  CHECK(sysfs.layers("253:2") == Layers{"lvm", "crypt-luks2", "disk"});
  CHECK(sysfs.layers("253:3") == Layers{"lvm", "mixed"});
}

TEST_CASE("a stack of devices without end is cut off and says so") {
  FakeSysfs sysfs;
  sysfs.mapper("253:0", "dm-0", "LVM-a", {"dm-1"});
  sysfs.mapper("253:1", "dm-1", "LVM-b", {"dm-0"});
  const Layers layers = sysfs.layers("253:0");
  CHECK(layers.size() < 32);
  CHECK(layers.back() == "unknown");
}

TEST_CASE("filesystems that keep data are listed, others are not") {
  FakeSysfs sysfs;
  sysfs.device("8:1", "sda");
  const auto volumes = sysfs.mounts(
      "22 1 0:21 / /sys rw,nosuid - sysfs sysfs rw\n"
      "23 1 0:22 / /run rw shared:5 - tmpfs tmpfs rw,mode=755\n"
      "1 0 8:1 / / ro,relatime shared:1 master:2 - ext4 /dev/sda rw\n"
      "24 1 0:40 / /merged rw - overlay overlay ro,lowerdir=/a,upperdir=/b\n"
      "25 1 0:41 / /host\\040share rw - virtiofs tag rw\n"
      "26 1 0:42 / /ssh rw - fuse.sshfs user@machine: rw\n"
      "27 1 0:43 / /pool rw - zfs tank/data rw\n");
  REQUIRE(volumes);
  REQUIRE(volumes->size() == 5);
  const auto& all = *volumes;
  CHECK(all[0].mount_point == "/");
  CHECK(all[0].source == "/dev/sda");
  CHECK(all[0].filesystem == "ext4");
  CHECK(all[0].read_only);
  CHECK(all[0].layers == Layers{"disk"});
  CHECK(all[1].layers == Layers{"overlay"});
  CHECK(all[1].read_only);
  CHECK(all[2].mount_point == "/host share");
  CHECK(all[2].layers == Layers{"remote"});
  CHECK(!all[2].read_only);
  CHECK(all[3].layers == Layers{"fuse"});
  CHECK(all[4].layers == Layers{"unknown"});
}

TEST_CASE("of two mounts at one place only the upper one counts") {
  FakeSysfs sysfs;
  sysfs.device("8:1", "sda");
  const std::string disk = "1 0 8:1 / /data rw - ext4 /dev/sda rw\n";
  const std::string memory = "2 0 0:9 / /data rw - tmpfs tmpfs rw\n";
  CHECK(sysfs.mounts(disk + memory).value().empty());
  CHECK(sysfs.mounts(memory + disk).value().size() == 1);
}

TEST_CASE("this machine's own table is understood") {
  const auto volumes = read_mounted_volumes("/proc/1/mountinfo", "/sys/dev/block");
  REQUIRE(volumes);
  for (const MountedVolume& volume : *volumes) CHECK(!volume.layers.empty());
}

TEST_CASE("octal escapes in mountinfo are resolved, and only those") {
  const auto entries =
      parse_mountinfo(as_bytes("1 0 8:1 /\\134x /a\\040b\\011c\\012d\\043e\\777f\\04 rw opt:1 - ext4  rw\n"
                               "1 0 259:1048575 / / rw - fuse.a\\040b s\\040s rw"));
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(entries->at(0).root == "/\\x");
  CHECK(entries->at(0).mount_point == "/a b\tc\nd#e\\777f\\04");
  CHECK(entries->at(0).source.empty());
  CHECK(entries->at(1).minor == 1048575);
  CHECK(entries->at(1).source == "s s");
}

TEST_CASE("a line of mountinfo that breaks the format fails the table") {
  const std::string good = "1 0 8:1 / / rw - ext4 /dev/x rw\n";
  const auto line =
      GENERATE(as<std::string>(), "", "1", "1 0 8:1 / / rw", "1 0 8:1 / / rw shared:1", "1 0 8:1 / / rw - ext4",
               "1 0 8:1 / / rw - ext4 x", "1 0 8 / / rw - ext4 x rw", "1 0 8: / / rw - ext4 x rw",
               "1 0 -8:1 / / rw - ext4 x rw", "1 0 99999999999:1 / / rw - ext4 x rw", "1 0 8:1x / / rw - ext4 x rw",
               "1 0 8:1 /  rw - ext4 x rw", "1 0 8:1 / / rw -  x rw");
  INFO(line);
  const auto entries = parse_mountinfo(as_bytes(good + line + "\n" + good));
  REQUIRE(!entries);
  CHECK(entries.error().offset == good.size());
}

TEST_CASE("a table that is not there is an error") {
  CHECK(read_mounted_volumes("/absent/mountinfo", "/sys/dev/block").error().code == Errc::not_found);
}

}  // namespace
}  // namespace attestd::hwio
