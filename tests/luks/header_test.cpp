#include "luks/header.h"

#include <algorithm>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using luks::parse_header;
using test::volume;
using test::volume_size;
using namespace std::string_literals;

namespace {

constexpr std::size_t algorithm_offset = 72;

struct Forgery {
  std::string_view from;
  std::string_view to;
  std::string_view reason;
};

// What the parser says to a header that was changed and has fitting checksums.
std::string refusal(ByteView forged) {
  const auto header = parse_header(forged, volume_size);
  return header ? "accepted" : header.error().text();
}

void set(std::span<std::byte> header, std::size_t offset, std::string_view bytes) {
  std::ranges::copy(as_bytes(bytes), header.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::string changed(std::size_t offset, std::string_view bytes) {
  return refusal(test::with_headers(volume(), [&](std::span<std::byte> header, bool) { set(header, offset, bytes); }));
}

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a header by cryptsetup is read in full") {
  const auto header = parse_header(volume(), volume_size);
  REQUIRE(header);
  CHECK(header->primary.header_size == test::header_size);
  CHECK(header->primary.label == "a-label");
  CHECK(header->primary.uuid.size() == 36);
  CHECK(header->primary.checksum_algorithm == "sha256");
  CHECK(header->metadata_size() == 1 << 20);
  REQUIRE(header->keyslots.size() == 2);
  const luks::Keyslot& slot = header->keyslots.front();
  CHECK(slot.type == "luks2");
  CHECK(slot.key_size == 64);
  CHECK(slot.area_offset == 2 * test::header_size);
  CHECK(slot.area_size == 258048);
  CHECK(slot.area_encryption == "aes-xts-plain64");
  CHECK(slot.area_key_size == 64);
  CHECK(slot.af_stripes == 4000);
  CHECK(slot.kdf.type == "pbkdf2");
  CHECK(slot.kdf.iterations == 1000);
  CHECK(slot.kdf.salt.size() == 32);
  REQUIRE(header->segments.size() == 1);
  CHECK(header->segments.front().offset == 1 << 20);
  CHECK(header->segments.front().encryption == "aes-xts-plain64");
  CHECK_FALSE(header->segments.front().size);
  REQUIRE(header->digests.size() == 1);
  CHECK(header->digests.front().keyslots == std::vector{0U, 1U});
  CHECK(header->digests.front().value.size() == 32);
}

TEST_CASE("headers by cryptsetup with other options are read") {
  const std::string options = GENERATE(
      as<std::string>{}, "--pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 --pbkdf-parallel 1",
      "--pbkdf argon2i --pbkdf-memory 65536 --pbkdf-force-iterations 4 --pbkdf-parallel 1", "--sector-size 512",
      "--hash sha512", "--key-size 256", "--cipher aes-cbc-essiv:sha256 --key-size 256", "--subsystem theirs");
  CAPTURE(options);
  const auto header = parse_header(test::format_volume(options), volume_size);
  CHECK((header ? "" : header.error().text()) == "");
}

TEST_CASE("a LUKS1 volume is refused by that name") {
  const auto header = parse_header(test::format_volume("--type luks1"), volume_size);
  REQUIRE_FALSE(header);
  CHECK(header.error().code == Errc::unsupported);
  CHECK(header.error().message.find("LUKS1") != std::string::npos);
}

TEST_CASE("a detached header is refused by that name") {
  const test::TemporaryFolder folder;
  const std::string header = folder.file("header");
  const std::string device = folder.write("device", std::string(volume_size, '\0'));
  REQUIRE(test::shell("cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
                      "--key-file=- --header " +
                          header + " " + device,
                      "x")
              .status == 0);
  const auto parsed = parse_header(read_file(header, luks::metadata_limit).value(), luks::metadata_limit);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message.find("detached header") != std::string::npos);
}

TEST_CASE("a changed binary header is refused with its reason") {
  struct Change {
    std::size_t offset;
    std::string bytes;
    std::string_view reason;
  };
  const std::vector<Change> changes = {
      {0, "MUKS", "does not start with LUKS's magic"},
      {6, std::string("\0\3", 2), "version 3"},
      {8, std::string("\0\0\0\0\0\0\x20\0", 8), "power of two"},
      {8, std::string("\0\0\0\0\0\0\x50\0", 8), "power of two"},
      {8, std::string("\0\0\0\0\x80\0\0\0", 8), "power of two"},
      {8, std::string("\0\0\0\0\0\0\x80\0", 8), "checksum"},
      {24, std::string(48, 'x'), "label of the LUKS2 header does not end with zeros"},
      {24, std::string("a\0b", 3), "label of the LUKS2 header does not end with zeros"},
      {algorithm_offset, "crc32\0\0"s, "not of the SHA-2 family"},
      {algorithm_offset, std::string("sha1\0\0", 6), "not of the SHA-2 family"},
      {algorithm_offset, "sha512", "checksum of the LUKS2 header at byte 0 is wrong"},
      {168, std::string(40, '0'), "UUID of the LUKS2 header does not end with zeros"},
      {208, std::string(48, '0'), "subsystem of the LUKS2 header does not end with zeros"},
      {256, std::string("\0\0\0\0\0\0\0\1", 8), "says that it is at byte 1"},
      {264, "x", "padding must be zero"},
      {512, "x", "padding must be zero"},
      {4095, "x", "padding must be zero"},
      {4096, " ", "does not start with '{'"},
      {test::header_size - 1, "}", "does not end with zeros"},
      {test::header_size - 2, std::string("x\0", 2), "does not end with zeros"},
  };
  for (const Change& change : changes) {
    CAPTURE(change.offset, change.reason);
    CHECK_THAT(changed(change.offset, change.bytes), Catch::Contains(std::string(change.reason)));
  }
}

TEST_CASE("a header whose checksum does not fit is refused, whichever byte is wrong") {
  for (const std::size_t offset :
       {std::size_t{20}, std::size_t{110}, std::size_t{448}, std::size_t{500}, std::size_t{5000},
        test::header_size + 20, test::header_size + 448, test::header_size + 5000}) {
    CAPTURE(offset);
    Bytes bytes = volume();
    bytes[offset] ^= std::byte{1};
    CHECK_THAT(refusal(bytes), Catch::Contains("checksum"));
  }
}

TEST_CASE("two headers that differ are refused, whichever is newer") {
  const auto differing = [](const std::function<void(std::span<std::byte>)>& change) {
    return refusal(test::with_headers(volume(), [&](std::span<std::byte> header, bool secondary) {
      if (secondary) change(header);
    }));
  };
  CHECK_THAT(differing([](auto header) { set(header, 16 + 7, "\x7f"); }), Catch::Contains("say different things"));
  CHECK_THAT(differing([](auto header) { set(header, 24, "b"); }), Catch::Contains("say different things"));
  CHECK_THAT(differing([](auto header) { set(header, 168, "xxxx"); }), Catch::Contains("say different things"));
  CHECK_THAT(differing([](auto header) { set(header, 208, "s"); }), Catch::Contains("say different things"));
  CHECK_THAT(differing([](auto header) { set(header, 4096, "{ "); }), Catch::Contains("say different things"));
  CHECK_THAT(differing([](auto header) { set(header, 0, "LUKS"); }), Catch::Contains("no secondary LUKS2 header"));
  CHECK_THAT(differing([](auto header) { set(header, 256 + 6, std::string_view("\0", 1)); }),
             Catch::Contains("does not say that it follows"));
}

TEST_CASE("a header that is cut anywhere is refused") {
  for (std::size_t size = 0; size < 2 * test::header_size; size += 509) {
    CAPTURE(size);
    const auto header = parse_header(ByteView(volume()).first(size), volume_size);
    REQUIRE_FALSE(header);
    CHECK(header.error().code == Errc::truncated);
  }
}

TEST_CASE("forged metadata is refused with its reason") {
  static constexpr std::string_view size_0 = R"("size":"258048")";
  static constexpr std::string_view config = R"("config":{)";
  const std::vector<Forgery> forgeries = {
      // What a second reader would see otherwise.
      {R"("tokens":{})", R"("tokens":{},"tokens":{})", "has the member 'tokens' twice"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","\u0069v_tweak":"1")", "twice"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","type\u0000x":"linear")", "zero byte"},
      {R"("encryption":"aes-xts-plain64","sector)", R"("encryption":"cipher_null-ecb\u0000","sector)", "zero byte"},
      {R"({"keyslots")", R"({/**/"keyslots")", "not JSON"},
      {R"("tokens":{})", R"('tokens':{})", "not JSON"},
      {R"("tokens":{})", R"("tokens":{},"more":1)", "has a member 'more'"},
      {R"("tokens":{},)", "", "tokens is missing"},
      {R"("tokens":{})", R"("tokens":[])", "tokens is not a JSON object"},
      // Numbers.
      {R"("offset":"32768")", R"("offset":32768)", "area.offset is not a string"},
      {R"("offset":"32768")", R"("offset":"032768")", "is not a decimal number"},
      {R"("offset":"32768")", R"("offset":"+32768")", "is not a decimal number"},
      {R"("offset":"32768")", R"("offset":"")", "is not a decimal number"},
      {R"("offset":"32768")", R"("offset":"18446744073709551616")", "larger than 64 bits"},
      {R"("key_size":64)", R"("key_size":"64")", "key_size is not a whole number"},
      {R"("key_size":64)", R"("key_size":64.0)", "key_size is not a whole number"},
      {R"("key_size":64)", R"("key_size":-64)", "key_size is not a whole number"},
      {R"("iterations":1000)", R"("iterations":4294968296)", "iterations is out of range"},
      {R"("keyslots":{"0":)", R"("keyslots":{"00":)", "is not a decimal number"},
      {R"("keyslots":{"0":)", R"("keyslots":{"32":)", "is not below 32"},
      {R"("keyslots":{"0":)", R"("keyslots":{"x":)", "is not a decimal number"},
      // Areas of keyslots.
      {R"("offset":"32768")", R"("offset":"0")", "not within the area of keyslots"},
      {R"("offset":"32768")", R"("offset":"28672")", "not within the area of keyslots"},
      {R"("offset":"32768")", R"("offset":"33280")", "not aligned to 4096"},
      {R"("offset":"32768")", R"("offset":"1048576")", "not within the area of keyslots"},
      {R"("offset":"32768")", R"("offset":"18446744073709547520")", "not within the area of keyslots"},
      {size_0, R"("size":"0")", "not within the area of keyslots"},
      {size_0, R"("size":"4096")", "its key takes 256000"},
      {size_0, R"("size":"262144")", "overlap"},
      {size_0, R"("size":"18446744073709547520")", "not within the area of keyslots"},
      {R"("key_size":64)", R"("key_size":65)", "its key takes 260000"},
      {R"("stripes":4000)", R"("stripes":4294967295)", "its key takes"},
      {R"("type":"raw")", R"("type":"raw","more":1)", "area has a member 'more'"},
      {R"("type":"luks1")", R"("type":"luks1","more":1)", "af has a member 'more'"},
      {R"("type":"pbkdf2")", R"("type":"pbkdf2","more":1)", "kdf has a member 'more'"},
      {R"("type":"luks2")", R"("type":"luks2","more":1)", "keyslots.0 has a member 'more'"},
      {R"("type":"luks2")", R"("type":"luks2","priority":3)", "priority is out of range"},
      {R"("type":"luks2")", R"("type":"")", "type is not a name"},
      {R"("type":"luks2")", R"("type":"reencrypt")", "encryption anew that has not ended"},
      // Segments.
      {R"("offset":"1048576")", R"("offset":"0")", "detached header"},
      {R"("offset":"1048576")", R"("offset":"1044480")", "within the metadata"},
      {R"("offset":"1048576")", R"("offset":"1048577")", "not aligned to 512"},
      {R"("offset":"1048576")", R"("offset":"8388608")", "the device ends at byte 8388608"},
      {R"("size":"dynamic")", R"("size":"8388608")", "the device has room for 7340032"},
      {R"("size":"dynamic")", R"("size":"0")", "the device has room for"},
      {R"("size":"dynamic")", R"("size":"18446744073709551104")", "the device has room for"},
      {R"("size":"dynamic")", R"("size":"Dynamic")", "is not a decimal number"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","key_description":"x")", "segments.0 has a member 'key_description'"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","integrity":{"type":"aead"})", "journal_encryption is missing"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","flags":["backup-final"])", "is being encrypted anew"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","flags":["in-reencryption"])", "is being encrypted anew"},
      {R"("iv_tweak":"0")", R"("iv_tweak":"0","flags":"x")", "flags is not an array"},
      {R"("segments":{)", R"("segments":{"1":{"type":"linear","offset":"2097152","size":"dynamic"},)",
       "segments 0 and 1 overlap"},
      {R"("encryption":"aes-xts-plain64","sector)", R"("encryption":"aes xts","sector)", "encryption is not a name"},
      // References.
      {R"("keyslots":["0","1"])", R"("keyslots":["0","2"])", "digest 0 refers to keyslot 2, which is not there"},
      {R"("keyslots":["0","1"])", R"("keyslots":["0","0"])", "names 0 twice"},
      {R"("keyslots":["0","1"])", R"("keyslots":[0,1])", "not an array of strings"},
      {R"("segments":["0"])", R"("segments":["1"])", "digest 0 refers to segment 1, which is not there"},
      {R"("tokens":{})", R"("tokens":{"0":{"type":"x","keyslots":["5"]}})", "token 0 refers to keyslot 5"},
      {R"("tokens":{})", R"("tokens":{"0":{"keyslots":[]}})", "tokens.0.type is missing"},
      {R"("tokens":{})", R"("tokens":{"0":{"type":"x"}})", "tokens.0.keyslots is missing"},
      {R"("digest":")", R"("more":1,"digest":")", "digests.0 has a member 'more'"},
      {R"("digest":")", R"("digest":"!)", "digests.0.digest"},
      // Config.
      {R"("json_size":"12288")", R"("json_size":"12287")", "the binary header makes it 12288"},
      {R"("keyslots_size":"1015808")", R"("keyslots_size":"1015809")", "no multiple of 4096"},
      {R"("keyslots_size":"1015808")", R"("keyslots_size":"1019904")", "within the metadata"},
      {R"("keyslots_size":"1015808")", R"("keyslots_size":"134217728")", "over 64 MiB"},
      {R"("keyslots_size":"1015808")", R"("keyslots_size":"18446744073709547520")", "over 64 MiB"},
      {config, R"("config":{"more":1,)", "config has a member 'more'"},
      {config, R"("config":{"requirements":{"mandatory":["online-reencrypt"]},)", "requirement online-reencrypt)"},
      {config, R"("config":{"requirements":{"mandatory":["online-reencrypt-v3"]},)", "is being encrypted anew"},
      {config, R"("config":{"requirements":{"mandatory":["offline-reencrypt"]},)", "is being encrypted anew"},
      {config, R"("config":{"requirements":{"mandatory":["opal"]},)", "requires 'opal', which we do not know"},
      {config, R"("config":{"requirements":{"optional":[]},)", "has a member 'optional'"},
      {config, R"("config":{"requirements":["online-reencrypt"],)", "config.requirements is not a JSON object"},
      {config, R"("config":{"flags":"allow-discards",)", "config.flags is not an array"},
  };
  for (const Forgery& forgery : forgeries) {
    CAPTURE(forgery.from, forgery.to);
    CHECK_THAT(refusal(test::forged(volume(), forgery.from, forgery.to)), Catch::Contains(std::string(forgery.reason)));
  }
  const std::string deep = R"("tokens":{"0":{"type":"x","keyslots":[],"x":)" + times(20, "[") + times(20, "]") + "}}";
  CHECK_THAT(refusal(test::forged(volume(), R"("tokens":{})", deep)), Catch::Contains("not JSON"));
}

TEST_CASE("the canonical digest stays when cryptsetup writes the same header anew") {
  const auto before = parse_header(volume(), volume_size);
  REQUIRE(before);
  const Bytes anew = test::with_headers(volume(), [](std::span<std::byte> header, bool secondary) {
    set(header, 16 + 7, "\x44");  // seqid
    set(header, 104, secondary ? "a second salt" : "another salt");
  });
  const auto after = parse_header(anew, volume_size);
  REQUIRE(after);
  CHECK(after->canonical_digest == before->canonical_digest);
}

TEST_CASE("the canonical digest changes with whatever says how the volume opens") {
  const auto digest_of = [](const Bytes& bytes) { return parse_header(bytes, volume_size).value().canonical_digest; };
  std::vector<Bytes> changed = {
      volume(),
      test::forged(volume(), R"("tokens":{})", R"("tokens":{"0":{"type":"attestd","keyslots":[]}})"),
      test::forged(volume(), R"("sector_size":4096)", R"("sector_size":512)"),
      test::forged(volume(), R"("config":{)", R"("config":{"flags":["allow-discards"],)"),
      test::forged(volume(), R"("digest":")", R"("digest": ")"),
      test::forged(volume(), R"("iterations":1000)", R"("iterations":1001)"),
      test::with_headers(volume(), [](auto header, bool) { set(header, 24, "b"); }),   // label
      test::with_headers(volume(), [](auto header, bool) { set(header, 168, "x"); }),  // UUID
      test::with_headers(volume(), [](auto header, bool) { set(header, 208, "s"); }),  // subsystem
  };
  std::vector<FixedBytes<luks::canonical_digest_size>> digests;
  for (const Bytes& bytes : changed) digests.push_back(digest_of(bytes));
  std::ranges::sort(digests);
  CHECK(std::ranges::adjacent_find(digests) == digests.end());
}
