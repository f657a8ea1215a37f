#include "luks/copy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "luks/validate.h"
#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using luks::read_device_header;
using luks::write_header_copy;
using test::volume;

TEST_CASE("the metadata of a device is read to its end and no further") {
  const test::TemporaryFolder folder;
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto read = read_device_header(device);
  REQUIRE(read);
  CHECK(read->device_size == test::volume_size);
  CHECK(read->metadata.size() == read->header.metadata_size());
  CHECK(std::ranges::equal(read->metadata, ByteView(volume()).first(1 << 20)));
}

TEST_CASE("what opening does not read is left out, and the copy has zeros for it") {
  const test::TemporaryFolder folder;
  const test::MemoryFolder memory;
  Bytes bytes = volume();
  const auto whole = read_device_header(test::write_bytes(folder.file("volume"), bytes));
  REQUIRE(whole);
  std::uint64_t last = 0;
  for (const luks::Keyslot& slot : whole->header.keyslots) last = std::max(last, slot.area_offset + slot.area_size);
  REQUIRE(last < whole->header.metadata_size());
  // The host's own, behind the last keyslot.
  bytes.at(last) = std::byte{0x5a};
  const auto read = read_device_header(test::write_bytes(folder.file("volume"), bytes), luks::Until::last_keyslot);
  REQUIRE(read);
  CHECK(std::ranges::equal(read->metadata, ByteView(whole->metadata).first(last)));
  const std::string copy = memory.file("header");
  REQUIRE(write_header_copy(copy, read->metadata, read->header.metadata_size()));
  const Bytes written = test::read_bytes(copy);
  CHECK(written.size() == read->header.metadata_size());
  CHECK(std::ranges::all_of(ByteView(written).subspan(last), [](std::byte one) { return one == std::byte{0}; }));
  CHECK(test::opens(folder.file("volume"), std::string(test::volume_passphrase), "--header " + copy));
}

TEST_CASE("what cannot be read says which device, and where") {
  const test::TemporaryFolder folder;
  const auto reason = [](const std::string& device) {
    const auto read = read_device_header(device);
    return read ? "accepted" : read.error().text();
  };
  const std::string cut = test::write_bytes(folder.file("cut"), ByteView(volume()).first(20000));
  CHECK_THAT(reason(cut), Catch::Contains(cut + " ends before its LUKS2 metadata") && Catch::Contains("byte 20000"));
  const std::string tiny = folder.write("tiny", "LUKS");
  CHECK_THAT(reason(tiny), Catch::Contains(tiny + " ends before") && Catch::Contains("byte 4"));
  const std::string other = folder.write("other", std::string(65536, 'x'));
  CHECK_THAT(reason(other), Catch::StartsWith(other + ": this is no LUKS volume"));
  const std::string forged = test::write_bytes(
      folder.file("forged"), test::forged(volume(), R"("iv_tweak":"0")", R"("iv_tweak":"0","iv_tweak":"1")"));
  CHECK_THAT(reason(forged), Catch::StartsWith(forged + ": LUKS2 metadata: "));
  CHECK_THAT(reason(folder.file("absent")), Catch::Contains("cannot open " + folder.file("absent")));
  CHECK_THAT(reason(folder.path()), Catch::Contains("neither a block device nor a file"));
  CHECK_THAT(reason("/dev/null"), Catch::Contains("neither a block device nor a file"));
}

TEST_CASE("a copy is whole, for its owner to read only, and takes the place of another") {
  const test::MemoryFolder memory;
  const std::string path = memory.file("header");
  REQUIRE(write_header_copy(path, as_bytes("before")));
  REQUIRE(write_header_copy(path, as_bytes("after")));
  CHECK(test::read_bytes(path) == to_bytes("after"));
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0400);
  const auto files = std::filesystem::directory_iterator(std::filesystem::path(path).parent_path());
  CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("no copy is made on a disk") {
  const test::TemporaryFolder folder;
  struct statfs status{};
  REQUIRE(::statfs(folder.path().c_str(), &status) == 0);
  if (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC) {
    WARN("skipped: /tmp is in memory here");
    return;
  }
  const auto written = write_header_copy(folder.file("header"), as_bytes("x"));
  REQUIRE_FALSE(written);
  CHECK_THAT(written.error().text(), Catch::Contains("not in memory"));
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_FALSE(write_header_copy("/nonexistent/header", as_bytes("x")));
}

// Copy, then let the host put another header on the disk: what opens is what was copied.
TEST_CASE("cryptsetup opens with the copy, whatever the disk's header has become") {
  const test::TemporaryFolder folder;
  const test::MemoryFolder memory;
  const std::string copy = memory.file("header");
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto read = read_device_header(device);
  REQUIRE(read);
  luks::Expectation expectation;
  expectation.kdf = luks::random_key_rule();
  REQUIRE(luks::require_valid(read->header, expectation));
  REQUIRE(write_header_copy(copy, read->metadata));

  const std::string passphrase(test::volume_passphrase);
  Bytes forged = test::forged(volume(), R"("encryption":"aes-xts-plain64","sector_size")",
                              R"("encryption":"cipher_null-ecb","sector_size")");
  forged =
      test::with_headers(forged, [](std::span<std::byte> header, bool) { header[16] = std::byte{0x7f}; });  // newer
  test::write_bytes(device, forged);
  const std::string dump = "cryptsetup luksDump ";
  REQUIRE_THAT(test::shell(dump + device).output, Catch::Contains("cipher: cipher_null-ecb"));

  CHECK_THAT(test::shell(dump + "--header " + copy + " " + device).output,
             Catch::Contains("cipher: aes-xts-plain64") && !Catch::Contains("null"));
  CHECK(test::opens(device, passphrase, "--header " + copy));
  // Nor are the keyslots the disk's, or its secondary header.
  std::ranges::fill(std::span(forged).first(1 << 20), std::byte{0xff});
  test::write_bytes(device, forged);
  CHECK_FALSE(test::opens(device, passphrase));
  CHECK(test::opens(device, passphrase, "--header " + copy));
  CHECK(test::opens(device, "another passphrase", "--header " + copy));
  CHECK_FALSE(test::opens(device, "a wrong passphrase", "--header " + copy));
  CHECK(std::ranges::equal(test::read_bytes(copy), read->metadata));
}

// The same with the kernel's own mapping, where there is a device mapper to make it.
TEST_CASE("what is written through the copy's mapping is not plain text on the disk") {
  // Its node may be there without the driver.
  if (!UniqueFd(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC))) {
    WARN("skipped: there is no device mapper here");
    return;
  }
  const test::TemporaryFolder folder;
  const test::MemoryFolder memory;
  const std::string copy = memory.file("header");
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto read = read_device_header(device);
  REQUIRE(read);
  REQUIRE(write_header_copy(copy, read->metadata));
  test::write_bytes(device, test::forged(volume(), R"("encryption":"aes-xts-plain64","sector_size")",
                                         R"("encryption":"cipher_null-ecb","sector_size")"));

  const std::string name = "attestd-test-" + std::to_string(::getpid());
  const std::string marker = "written by the guest";
  // Writes it to the start of the mapping; whether it is then on the disk.
  const auto shows = [&](const std::string& options) {
    const test::Ran opened = test::shell("cryptsetup open --key-file=- " + options + device + " " + name,
                                         std::string(test::volume_passphrase));
    CHECK(opened.output == "");
    test::shell("dd of=/dev/mapper/" + name + " conv=notrunc,fsync", marker);
    CHECK(test::shell("head -c 20 /dev/mapper/" + name).output == marker);
    CHECK(test::shell("cryptsetup close " + name).status == 0);
    return as_text(test::read_bytes(device)).find(marker) != std::string_view::npos;
  };
  CHECK_FALSE(shows("--header " + copy + " "));
  // The disk's own header, to see that the forgery is one.
  CHECK(shows(""));
}
