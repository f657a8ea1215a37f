#include "luks/header_edit.h"

#include <algorithm>

#include "luks/header_change.h"
#include "luks/token.h"
#include "luks/validate.h"
#include "tests/catch.h"
#include "tests/luks/volume.h"

using namespace attestd;
using luks::HeaderEdit;
using test::volume;

namespace {

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)).value(); }

luks::UnlockToken token_for(unsigned keyslot) {
  luks::UnlockToken out;
  out.keyslots = {keyslot};
  out.resource = "default/luks/a";
  return out;
}

}  // namespace

TEST_CASE("a keyslot and a token that were added in memory open the volume once they are written") {
  const test::TemporaryFolder folder;
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto before = luks::read_device_header(device);
  REQUIRE(before);
  auto edit = HeaderEdit::begin(*before);
  REQUIRE(edit);
  const auto slot = edit->add_keyslot(secret(test::volume_passphrase), secret("a new key"));
  REQUIRE(slot);
  CHECK(*slot == 2);
  REQUIRE(edit->add_token(luks::encode_unlock_token(token_for(*slot)).value()));
  const auto after = edit->finish();
  REQUIRE(after);
  CHECK(luks::read_device_header(device)->metadata == before->metadata);
  CHECK_FALSE(test::opens(device, "a new key"));
  luks::Expectation expectation;
  expectation.kdf = luks::random_key_rule();
  CHECK(luks::require_valid(after->header, expectation));

  REQUIRE(luks::write_header_change(device, *before, *after));
  CHECK(luks::read_device_header(device)->header.canonical_digest == after->header.canonical_digest);
  CHECK(test::opens(device, "a new key"));
  CHECK(test::opens(device, std::string(test::volume_passphrase)));
  CHECK_THAT(test::shell("cryptsetup luksDump " + device).output, Catch::Contains("0: attestd"));
}

TEST_CASE("what was removed in memory is gone once that is written, its area too") {
  const test::TemporaryFolder folder;
  const std::string device = test::write_bytes(folder.file("volume"), volume());
  const auto before = luks::read_device_header(device);
  REQUIRE(before);
  const auto gone = before->header.keyslots.at(1);
  auto edit = HeaderEdit::begin(*before);
  REQUIRE(edit);
  REQUIRE(edit->remove_keyslot(gone.id));
  CHECK_FALSE(edit->remove_keyslot(gone.id));
  const auto after = edit->finish();
  REQUIRE(after);
  REQUIRE(luks::write_header_change(device, *before, *after));
  CHECK_FALSE(test::opens(device, "another passphrase"));
  CHECK(test::opens(device, std::string(test::volume_passphrase)));
  const Bytes now = test::read_bytes(device);
  const auto area = [&](const Bytes& bytes) { return ByteView(bytes).subspan(gone.area_offset, 4096); };
  CHECK_FALSE(std::ranges::equal(area(now), area(volume())));
}

TEST_CASE("which keyslot a passphrase opens is told, and that none does is no error") {
  const test::TemporaryFolder folder;
  const auto before = luks::read_device_header(test::write_bytes(folder.file("volume"), volume()));
  REQUIRE(before);
  auto edit = HeaderEdit::begin(*before);
  REQUIRE(edit);
  CHECK(edit->opened_by(secret(test::volume_passphrase)).value() == std::optional(0U));
  CHECK(edit->opened_by(secret("another passphrase")).value() == std::optional(1U));
  CHECK(edit->opened_by(secret("another passphrase"), 0U).value() == std::nullopt);
  CHECK(edit->opened_by(secret("another passphrase"), 7U).value() == std::nullopt);
  CHECK(edit->opened_by(secret("wrong")).value() == std::nullopt);
  const auto added = edit->add_keyslot(secret("wrong"), secret("a new key"));
  REQUIRE_FALSE(added);
  CHECK(added.error().code == Errc::permission);
}
