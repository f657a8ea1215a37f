// attestctl disk enroll: a keyslot and a token by which the volume opens without anybody typing.
#include <algorithm>

#include "client/disk_change.h"
#include "client/disk_recovery.h"
#include "client/disk_vtpm.h"

namespace attestd {
namespace {

constexpr std::size_t passphrase_limit = 8192;  // bytes

Result<SecretBytes> passphrase_of(const std::string& file) {
  if (file.empty()) {
    return fail(Errc::usage,
                "a keyslot is added by who can open another: --key-file FILE with a passphrase of the volume");
  }
  return SecretBytes::read(file == "-" ? "/dev/stdin" : file, passphrase_limit);
}

// The broker's key for this volume: made now for who has a token, or there already, as after a run that was
// interrupted. In either case the broker has then seen the header of today.
Result<SecretBytes> key_of_broker(DiskParty& party, const DiskEnrollOptions& options, const luks::Header& header) {
  ATTESTD_CHECK(party.attest(header));
  ATTESTD_CHECK(party.find_others(header));
  if (options.token_file.empty()) {
    auto released = party.release();
    if (!released)
      released.error().message += "; without a key there it takes --token-file (attest-broker enrolment token)";
    return released;
  }
  ATTESTD_TRY(const std::string token, read_token(options.token_file));
  const auto made = party.enrol(token);
  auto released = party.release();
  if (!made && !released) return std::unexpected(made.error());
  if (!made) ATTESTD_CHECK(say(party.url() + " has a key already, as " + party.resource() + ": taken"));
  if (made && released && !constant_time_equal(made->view(), released->view())) {
    return fail(Errc::mismatch, party.url() + " releases another key than it has just made");
  }
  return released;
}

struct Added {
  luks::DeviceHeader header;
  SecretBytes recovery;
  bool broker = false;
};

// `key`: the broker's, or empty.
Result<Added> with_keyslots(const luks::DeviceHeader& before, const DiskEnrollOptions& options, const SecretBytes& key,
                            const std::string& resource) {
  Added out;
  ATTESTD_TRY(luks::HeaderEdit edit, luks::HeaderEdit::begin(before));
  std::optional<unsigned> slot;
  if (!key.empty()) {
    ATTESTD_TRY(slot, edit.opened_by(key));
  }
  // The broker's own key will do where it opens the volume.
  SecretBytes typed;
  if (!slot) {
    ATTESTD_TRY(typed, passphrase_of(options.key_file));
  }
  const SecretBytes& passphrase = slot ? key : typed;
  if (!key.empty()) {
    const auto tokens = own_tokens(before.header, luks::UnlockMethod::broker);
    const bool there = slot && std::ranges::any_of(tokens, [&](const OwnToken& own) {
                         return own.token.resource == resource &&
                                std::ranges::find(own.token.keyslots, *slot) != own.token.keyslots.end();
                       });
    if (!there) {
      if (!slot) {
        ATTESTD_TRY(slot, edit.add_keyslot(passphrase, key));
      }
      luks::UnlockToken token{.keyslots = {*slot}, .method = luks::UnlockMethod::broker, .resource = resource};
      ATTESTD_TRY(const std::string json, luks::encode_unlock_token(token));
      ATTESTD_CHECK(edit.add_token(json));
      out.broker = true;
    }
  }
  if (options.recovery_key) {
    ATTESTD_TRY(out.recovery, make_recovery_key());
    ATTESTD_TRY(const unsigned recovery, edit.add_keyslot(passphrase, out.recovery));
    ATTESTD_CHECK(edit.add_token(recovery_token_json(recovery)));
  }
  ATTESTD_TRY(out.header, judged_result(edit));
  return out;
}

Result<void> check_recovery(const DiskEnrollOptions& options, const luks::Header& header) {
  if (!options.recovery_key) return {};
  const auto there = std::ranges::find(header.tokens, "systemd-recovery", &luks::Token::type);
  if (there != header.tokens.end()) {
    return fail(Errc::usage, options.device + " has a recovery key: take it away first (attestctl disk remove " +
                                 options.device + " --token " + std::to_string(there->id) + ")");
  }
  return require_place(options.recovery_key_file);
}

// Whatever else failed: a key that the device has a keyslot for is somebody's.
Result<void> settle(RecoveryPlace& place, const SecretBytes& key, const DiskEnrollOptions& options,
                    const luks::DeviceHeader& before, Result<void>& changed) {
  if (!changed) {
    const auto now = luks::read_device_header(options.device);
    if (now && now->header.canonical_digest == before.header.canonical_digest) return {};
    changed.error().message += "; the recovery key is in the volume, and " +
                               (options.recovery_key_file.empty() ? "shown here" : "in " + options.recovery_key_file);
  }
  auto kept = place.keep(key);
  if (!kept) {
    return std::unexpected(std::move(kept).error().in(
        "the volume has a recovery key that nobody has seen (attestctl disk remove takes it away)"));
  }
  return {};
}

Result<int> enroll_at_broker(const CommonOptions& common, const DiskEnrollOptions& options,
                             const luks::DeviceHeader& before) {
  ATTESTD_TRY(DiskParty party, DiskParty::open(common, options.broker, before.header));
  if (options.dry_run) {
    ATTESTD_CHECK(say("would ask " + party.url() + " for " + party.resource() + ", add a keyslot and a token to " +
                      options.device + (options.recovery_key ? ", and a recovery key" : "")));
    return 0;
  }
  std::optional<RecoveryPlace> place;
  if (options.recovery_key) {
    ATTESTD_TRY(auto opened, RecoveryPlace::open(options.recovery_key_file));
    place.emplace(std::move(opened));
  }
  ATTESTD_TRY(const SecretBytes key, key_of_broker(party, options, before.header));
  ATTESTD_TRY(const Added added, with_keyslots(before, options, key, party.resource()));
  if (!added.broker && added.recovery.empty()) {
    ATTESTD_CHECK(
        say(options.device + " is enrolled at " + party.url() + " as " + party.resource() + ": nothing to do"));
    return 0;
  }
  if (place) ATTESTD_CHECK(place->write(added.recovery));
  auto changed = change_header(options.device, before, added.header, &party, key);
  if (place) ATTESTD_CHECK(settle(*place, added.recovery, options, before, changed));
  ATTESTD_CHECK(changed);
  if (added.broker) {
    ATTESTD_CHECK(say(options.device + " opens by " + party.url() + ", as " + party.resource()));
  }
  return 0;
}

}  // namespace

Result<int> run_disk_enroll(const CommonOptions& common, const DiskEnrollOptions& given) {
  DiskEnrollOptions options = given;
  options.recovery_key = options.recovery_key || !options.recovery_key_file.empty();
  ATTESTD_CHECK(require_effect(options.method, options.vtpm, options.token_file));
  ATTESTD_TRY(const luks::DeviceHeader before, judged_header(options.device));
  ATTESTD_CHECK(check_recovery(options, before.header));
  if (options.method == "broker") return enroll_at_broker(common, options, before);
  if (options.recovery_key) {
    return fail(Errc::usage,
                "--recovery-key goes with --method broker, or before --method vtpm with systemd-cryptenroll");
  }
  return enroll_in_vtpm(common, {options.device, options.broker, options.key_file, options.vtpm, options.dry_run},
                        before, {});
}

}  // namespace attestd
