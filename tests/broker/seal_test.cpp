#include "broker/seal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>

#include "base/encoding.h"
#include "tests/broker/backends.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::broker;
using test::sealer;

namespace {

const SealContext context{"resource", "default/key/1", 3};

}  // namespace

TEST_CASE("a sealed secret opens with its key, in its place") {
  const Sealer ours = sealer();
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 64U, 5000U}) {
    const Bytes secret(size, std::byte{7});
    const auto blob = ours.seal(context, secret);
    REQUIRE(blob);
    CHECK(blob->size() == size + 37);
    const auto opened = ours.open(context, *blob);
    REQUIRE(opened);
    CHECK(constant_time_equal(opened->view(), secret));
  }
}

TEST_CASE("a sealed secret opens under no other master key, and the error names both") {
  const auto blob = sealer(1).seal(context, as_bytes("secret"));
  REQUIRE(blob);
  const auto opened = sealer(2).open(context, *blob);
  REQUIRE(!opened);
  CHECK(opened.error().code == Errc::mismatch);
  CHECK(opened.error().message.find(to_hex(sealer(1).key_id())) != std::string::npos);
  // Nor when the key's id is forged.
  Bytes forged = *blob;
  std::ranges::copy(sealer(2).key_id(), forged.begin() + 1);
  CHECK(!sealer(2).open(context, forged));
}

TEST_CASE("a sealed secret opens in no other place") {
  const auto blob = sealer().seal(context, as_bytes("secret"));
  REQUIRE(blob);
  for (const SealContext& other :
       {SealContext{"key", "default/key/1", 3}, SealContext{"resource", "default/key/2", 3},
        SealContext{"resource", "default/key/1", 4}, SealContext{"resource", "", 3}, SealContext{"", "resource", 3}}) {
    const auto opened = sealer().open(other, *blob);
    INFO(other.what << " " << other.name << " " << other.version);
    REQUIRE(!opened);
    CHECK(opened.error().code == Errc::mismatch);
  }
}

TEST_CASE("a context with a line feed, which could be two, is refused") {
  for (const SealContext& bad : {SealContext{"resource\nx", "y", 1}, SealContext{"resource", "x\ny", 1}}) {
    const auto blob = sealer().seal(bad, as_bytes("secret"));
    REQUIRE(!blob);
    CHECK(blob.error().code == Errc::usage);
  }
}

TEST_CASE("a sealed secret with any bit changed, or cut short anywhere, does not open") {
  const auto blob = sealer().seal(context, as_bytes("secret"));
  REQUIRE(blob);
  for (std::size_t bit = 0; bit < blob->size() * 8; ++bit) {
    Bytes changed = *blob;
    changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    CHECK(!sealer().open(context, changed));
  }
  for (std::size_t size = 0; size < blob->size(); ++size) CHECK(!sealer().open(context, ByteView(*blob).first(size)));
}

TEST_CASE("no two sealed secrets are alike") {
  std::set<Bytes> blobs;
  const Sealer ours = sealer();
  for (int i = 0; i < 1000; ++i) blobs.insert(ours.seal(context, as_bytes("secret")).value());
  CHECK(blobs.size() == 1000);
}

// The key and its id as another implementation computes them: Python's cryptography, HKDF and
// AESGCM, for the master key of 32 bytes 01, nonce 000102…0b, secret "secret".
TEST_CASE("a blob is what its description says") {
  CHECK(to_hex(sealer(1).key_id()) == "d14372d213cd0d65");
  const auto blob = from_hex("01d14372d213cd0d65000102030405060708090a0b8c9f1365ed3935d3e9ec1e2cca3204a9fa9e13ba16ce");
  REQUIRE(blob);
  const auto opened = sealer(1).open(context, *blob);
  REQUIRE(opened);
  CHECK(as_text(opened->view()) == "secret");
}

TEST_CASE("a blob is parsed into its parts") {
  const auto blob = sealer().seal(context, as_bytes("secret"));
  REQUIRE(blob);
  const auto parts = parse_sealed_blob(*blob);
  REQUIRE(parts);
  CHECK(parts->key_id == sealer().key_id());
  CHECK(parts->ciphertext.size() == 6);
  Bytes newer = *blob;
  newer[0] = std::byte{2};
  CHECK(parse_sealed_blob(newer).error().code == Errc::unsupported);
  CHECK(parse_sealed_blob(ByteView(*blob).first(36)).error().code == Errc::truncated);
  CHECK(parse_sealed_blob({}).error().code == Errc::truncated);
}

TEST_CASE("a secret over 1 MiB is refused") {
  const Bytes large((std::size_t{1} << 20U) + 1);
  CHECK(sealer().seal(context, large).error().code == Errc::out_of_range);
}

TEST_CASE("a master key is read from a file in either form, and from nothing else") {
  const test::TemporaryFolder folder;
  const std::string digits = "0101010101010101010101010101010101010101010101010101010101010101";
  struct Case {
    std::string contents;
    bool good;
  };
  for (const Case& each : {Case{std::string(32, '\x01'), true}, Case{digits, true}, Case{digits + "\n", true},
                           Case{digits + "\r\n", false}, Case{digits + "\n\n", false}, Case{digits + "x", false},
                           Case{digits.substr(1), false}, Case{std::string(31, '\x01'), false},
                           Case{std::string(33, '\x01'), false}, Case{std::string(64, 'g'), false}, Case{"", false}}) {
    const std::string path = folder.write("key", each.contents);
    REQUIRE(::chmod(path.c_str(), 0400) == 0);
    const auto read = Sealer::from_file(path);
    INFO(each.contents.size());
    CHECK(bool(read) == each.good);
    if (read) CHECK(read->key_id() == sealer(1).key_id());
    if (!read) CHECK(read.error().code == Errc::malformed);
    ::unlink(path.c_str());
  }
  CHECK(Sealer::from_file(folder.file("none")).error().code == Errc::not_found);
}

TEST_CASE("a master key that others may read or write is refused, and one as systemd gives it is not") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("key", std::string(32, '\x01'));
  struct Case {
    mode_t mode;
    gid_t group;
    bool good;
  };
  for (const Case& each :
       {Case{0400, 1, true}, Case{0600, 1, true}, Case{0604, 1, false}, Case{0602, 1, false}, Case{0620, 1, false},
        Case{0640, 1, false}, Case{0440, 1, false}, Case{0440, 0, true}, Case{0460, 0, false}, Case{0444, 0, false}}) {
    // Only root can give a file to another group.
    if (::geteuid() != 0 && each.group != ::getegid()) continue;
    REQUIRE(::chown(path.c_str(), static_cast<uid_t>(-1), each.group) == 0);
    REQUIRE(::chmod(path.c_str(), each.mode) == 0);
    const auto read = Sealer::from_file(path);
    INFO(std::oct << each.mode << " group " << each.group);
    CHECK(bool(read) == each.good);
    if (!read) CHECK(read.error().code == Errc::permission);
  }
}
