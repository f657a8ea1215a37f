#include "luks/header_change.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/file.h"
#include "luks/device_lock.h"
#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using test::volume;

namespace {

const std::string kept(test::volume_passphrase);
const std::string cheap = "--batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 ";

// volume() after a command of cryptsetup's; `last`: what comes behind the device.
Bytes changed(const std::string& command, const Bytes& from = volume(), const std::string& last = "") {
  const test::TemporaryFolder folder;
  const std::string device = test::write_bytes(folder.file("volume"), from);
  const std::string key = folder.write("key", kept);
  const std::string added = folder.write("added", "an added passphrase");
  const std::string behind = command.starts_with("luksAddKey") ? added : last;
  const std::string by = command.starts_with("config") ? "" : " --key-file " + key;
  const test::Ran ran = test::shell("cryptsetup " + command + by + " " + device + " " + behind);
  INFO(ran.output);
  REQUIRE(ran.status == 0);
  return test::read_bytes(device);
}

luks::DeviceHeader header_of(const Bytes& device) {
  const test::TemporaryFolder folder;
  auto read = luks::read_device_header(test::write_bytes(folder.file("volume"), device));
  REQUIRE(read);
  return *std::move(read);
}

void apply(Bytes& device, const luks::HeaderWrite& write, std::size_t size) {
  std::ranges::copy(ByteView(write.bytes).first(size), device.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

// A crash before, in the midst of, and after each write of the plan.
std::vector<Bytes> crashes(const Bytes& device, const std::vector<luks::HeaderWrite>& plan) {
  std::vector<Bytes> out;
  Bytes now = device;
  for (const auto& write : plan) {
    for (const std::size_t part : {std::size_t{0}, std::size_t{512}, std::size_t{5000}, write.bytes.size() - 512}) {
      Bytes torn = now;
      apply(torn, write, std::min(part, write.bytes.size()));
      out.push_back(std::move(torn));
    }
    apply(now, write, write.bytes.size());
  }
  out.push_back(now);
  return out;
}

}  // namespace

TEST_CASE("after a crash at any moment of a change the volume opens, with the old header or the new") {
  const Bytes three = changed("luksAddKey " + cheap);
  struct Change {
    const char* name;
    Bytes from, to;
    bool with_old, with_new;  // whether the added passphrase opens it
  };
  const std::vector<Change> changes = {
      {"a keyslot more", volume(), three, false, true},
      {"a keyslot less", three, changed("luksKillSlot --batch-mode", three, "2"), true, false},
      {"another label", volume(), changed("config --label another"), false, false}};
  for (const Change& change : changes) {
    CAPTURE(change.name);
    const auto before = header_of(change.from);
    const auto after = header_of(change.to);
    const auto plan = luks::plan_header_change(before, after);
    REQUIRE(plan);
    std::set<std::string> seen;
    for (const Bytes& device : crashes(change.from, *plan)) {
      const test::TemporaryFolder folder;
      const std::string path = test::write_bytes(folder.file("volume"), device);
      const auto read = luks::read_device_header(path);
      REQUIRE(read);
      const bool old_header = read->header.canonical_digest == before.header.canonical_digest;
      const bool new_header = read->header.canonical_digest == after.header.canonical_digest;
      CHECK((old_header || new_header));
      seen.insert(to_hex(read->header.canonical_digest));
      // What attestd-unlock hands over is what it read; cryptsetup by itself mends the disk's.
      const test::MemoryFolder memory;
      REQUIRE(luks::write_header_copy(memory.file("header"), read->metadata));
      CHECK(test::opens(path, kept, "--header " + memory.file("header")));
      CHECK(test::opens(path, "an added passphrase", "--header " + memory.file("header")) ==
            (new_header ? change.with_new : change.with_old));
      CHECK(test::opens(path, kept));
      const auto mended = luks::read_device_header(path);
      REQUIRE(mended);
      CHECK(mended->header.canonical_digest == read->header.canonical_digest);
    }
    CHECK(seen.size() == 2);
  }
}

TEST_CASE("a crash of a crash's mending loses nothing either") {
  // Their JSON differs, so that half a header is none.
  const Bytes other = changed("luksAddKey " + cheap);
  const Bytes third = changed("luksKillSlot --batch-mode", other, "1");
  const auto plan = luks::plan_header_change(header_of(volume()), header_of(other));
  REQUIRE(plan);
  for (const Bytes& once : crashes(volume(), *plan)) {
    const auto before = header_of(once);
    auto after = header_of(third);
    const auto again = luks::plan_header_change(before, after);
    REQUIRE(again);
    for (const Bytes& twice : crashes(once, *again)) {
      const test::TemporaryFolder folder;
      const auto read = luks::read_device_header(test::write_bytes(folder.file("volume"), twice));
      CHECK(read);
    }
  }
}

TEST_CASE("a key is never put where the header that counts has another") {
  const Bytes without = changed("luksKillSlot --batch-mode", volume(), "1");
  const Bytes instead = changed("luksAddKey " + cheap, without);
  const auto plan = luks::plan_header_change(header_of(volume()), header_of(instead));
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == Errc::refused);
}

TEST_CASE("a header is written in the place of that one only which it was made from") {
  const test::TemporaryFolder folder;
  const Bytes other = changed("config --label another");
  const auto before = header_of(volume());
  const auto after = header_of(other);
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  REQUIRE(luks::write_header_change(device, before, after));
  CHECK(ByteView(test::read_bytes(device)).first(1 << 20).size() == before.metadata.size());
  CHECK(header_of(test::read_bytes(device)).metadata == after.metadata);
  const auto again = luks::write_header_change(device, before, after);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::changed);
  CHECK_FALSE(luks::plan_header_change(after, before));
  CHECK_FALSE(luks::plan_header_change(before, header_of(test::format_volume())));
}

TEST_CASE("a write that ends early is told, and has changed nothing that counts") {
  const test::TemporaryFolder folder;
  const auto before = header_of(volume());
  const auto after = header_of(changed("luksAddKey " + cheap));
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto done =
      luks::write_header_change(device, before, after, [](const luks::HeaderWrite& write) -> Result<void> {
        if (write.what == "the secondary header") return fail(Errc::io, "no more");
        return {};
      });
  REQUIRE_FALSE(done);
  CHECK(header_of(test::read_bytes(device)).header.canonical_digest == before.header.canonical_digest);
}

TEST_CASE("a file that cannot be locked is named") {
  // A program that runs is not opened for writing.
  const UniqueFd program(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto refused = luks::DeviceLock::take(program.get(), "disk.img");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text(), Catch::Contains("cannot open disk.img to lock it"));
}

TEST_CASE("while cryptsetup has the lock, nothing is written") {
  const test::TemporaryFolder folder;
  const auto before = header_of(volume());
  const auto after = header_of(changed("config --label another"));
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const UniqueFd held(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(held.get(), LOCK_EX) == 0);
  const auto refused = luks::write_header_change(device, before, after);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::busy);
  REQUIRE(::flock(held.get(), LOCK_UN) == 0);
  CHECK(luks::write_header_change(device, before, after));
}
